"""One version process: started, watched and stopped by the gateway."""

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import aiohttp

import services
from services.secrets import OF_AGENTS
from services.settings import Settings

TO_READY = 120.0
TO_STOP = 45.0
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
SECRETS = re.compile(r"(sk-|Bearer |api[_-]?key[=:] ?|token[=:] ?|//[^/\s:@]+:)[^\s\"'@,]+", re.IGNORECASE)
LOG_BYTES = 2_000_000
LONGEST_LINE = 65_536


@dataclass(frozen=True)
class Wanted:
    """What the console's database says about one version."""

    id: int
    app_id: str
    endpoint: str
    version: int
    model_id: str
    experiment_id: str
    weight: int
    revision: int
    shadow: int
    environment: Mapping[str, str]
    model_config: Mapping[str, Any]

    @property
    def recipe(self) -> tuple[str, str, str]:
        """What a running process was made from; a change needs a new process."""
        return self.model_id, json.dumps(dict(self.environment)), json.dumps(dict(self.model_config))


@dataclass
class Child:
    """A running version process and what is known of it."""

    wanted: Wanted
    process: asyncio.subprocess.Process
    port: int
    began: float = field(default_factory=time.monotonic)
    ready: bool = False
    draining: bool = False
    asked: int = 0
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    log: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def become_ready(self, session: aiohttp.ClientSession) -> bool:
        """Wait for /health; False when the process ended or took too long."""
        while self.process.returncode is None and time.monotonic() - self.began < TO_READY:
            if await self.healthy(session):
                self.ready = True
                return True
            await asyncio.sleep(0.05)
        return False

    async def healthy(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/health", timeout=aiohttp.ClientTimeout(total=5)) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def stop(self) -> None:
        """Let it answer what it was asked and export its traces; kill it when that takes too long."""
        self.draining = True
        end = time.monotonic() + TO_STOP
        while self.asked and time.monotonic() < end:
            await asyncio.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), max(1.0, end - time.monotonic()))
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def reason(self) -> str:
        """The last thing it said, for the operator."""
        if self.process.returncode is not None and self.log is not None:
            await asyncio.wait([self.log], timeout=2)
        if self.process.returncode is None:
            return f"It was not ready after {TO_READY:.0f} seconds."
        said = [line for line in self.last_lines if line.strip()]
        return said[-1][:500] if said else f"It ended with code {self.process.returncode} and said nothing."


async def start(settings: Settings, wanted: Wanted) -> Child:
    """Start the process; its stdin is a pipe that only we hold open, so it ends when we do."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.processes.version",
        "--model-uri",
        f"models:/{wanted.model_id}",
        "--port",
        str(port),
        "--model-config",
        json.dumps(dict(wanted.model_config)),
        "--app",
        wanted.app_id,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment(settings, wanted),
        cwd=settings.home,
        start_new_session=True,
    )
    child = Child(wanted, process, port)
    child.log = asyncio.create_task(_keep_log(settings, child))
    return child


def environment(settings: Settings, wanted: Wanted) -> dict[str, str]:
    """Only what an agent needs: nothing else of the console's environment reaches its code."""
    passed = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(OF_AGENTS)}
    ours = {
        "PYTHONPATH": str(Path(services.__file__).parents[1]),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "OPENAI_API_KEY": settings.llm_api_key,
        "MLFLOW_TRACKING_URI": settings.tracking_uri,
        "MLFLOW_EXPERIMENT_ID": wanted.experiment_id,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # A trace is readable within about a second: proofs and people wait for it.
        "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS": "1000",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    }
    address = {"OPENAI_BASE_URL": settings.llm_base_url} if settings.llm_base_url else {}
    return {**passed, **ours, **address, **wanted.environment}


def masked(line: str, secrets: tuple[str, ...]) -> str:
    """The line without the values of known secrets and without what looks like one."""
    for secret in secrets:
        line = line.replace(secret, "••••")
    return SECRETS.sub(r"\1••••", line)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _keep_log(settings: Settings, child: Child) -> None:
    """Copy what the process says to a bounded file, without secrets."""
    settings.log_folder.mkdir(parents=True, exist_ok=True)
    path = settings.log_folder / f"{child.wanted.endpoint}-{child.wanted.version}.log"
    file = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    secrets = _secrets(settings)
    assert child.process.stderr is not None
    async for line in _lines(child.process.stderr):
        said = masked(line, secrets)
        child.last_lines.append(said)
        file.emit(logging.LogRecord("version", logging.INFO, "", 0, said, None, None))
    file.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines of any length; one without an end is cut, because a pipe that nobody empties would stop the process."""
    rest = b""
    while raw := await reader.read(LONGEST_LINE):
        *whole, rest = (rest + raw).split(b"\n")
        if len(rest) >= LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _secrets(settings: Settings) -> tuple[str, ...]:
    named = [os.environ.get(name) for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "PGPASSWORD")]
    key = settings.model_api_key.value if settings.model_api_key else None
    named += [value for name, value in os.environ.items() if name.startswith(OF_AGENTS)]
    return tuple(secret for secret in (key, *named) if secret)
