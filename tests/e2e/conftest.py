"""The console as a person meets it: `python app.py` on an empty data folder, driven in Chromium."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from services.processes.lock import held, read
from tests.conftest import free_port
from tests.e2e.console import Console

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in Path(str(item.path)).parts:
            item.add_marker(pytest.mark.e2e)
            if CHROMIUM is None and not os.environ.get("SIGNALBOX_NO_SKIPS"):
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed: apt-get install chromium"))


# Not for the whole session: while it is open, an event loop runs in this thread, where others want to start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Server:
    """`python app.py` with a data folder and ports of its own."""

    def __init__(self, home: Path, **environ: str) -> None:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SIGNALBOX_", "OPENAI_", "MLFLOW_"))
        }
        self.home = home
        self.port = free_port()
        self.environ = clean | {
            "SIGNALBOX_HOME": str(home),
            "SIGNALBOX_PORT": str(self.port),
            "SIGNALBOX_GATEWAY_PORT": str(free_port()),
            "SIGNALBOX_OPERATOR": "ada",
            "CI": "true",
            **environ,
        }
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.parent / f"{home.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=self.environ, stdout=output, stderr=output
            )
        self.wait(lambda: held(self.home / "run" / "web.lock") and held(self.home / "run" / "gateway.lock"))
        return self

    def wait(self, true: Callable[[], bool], seconds: float = 180) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.log.read_text()[-4000:]
            time.sleep(0.1)

    def pid(self, name: str) -> int:
        return int(read(self.home / "run" / f"{name}.lock")["pid"])

    def kill(self, name: str) -> None:
        """As a crash does: SIGKILL to web, worker or gateway."""
        os.kill(self.pid(name), signal.SIGKILL)
        self.wait(lambda: not held(self.home / "run" / f"{name}.lock"))
        if name == "web" and self.process:
            self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        for name in ("worker", "gateway"):
            if held(self.home / "run" / f"{name}.lock"):
                os.kill(self.pid(name), signal.SIGTERM)
                self.wait(lambda name=name: not held(self.home / "run" / f"{name}.lock"), 20)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a console; `serve(OPENAI_BASE_URL=…)` adds to its environment."""
    started: list[Server] = []

    def start(**environ: str) -> Server:
        started.append(Server(tmp_path / f"home{len(started)}", **environ).start())
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Console]]:
    """A person at the console, in a language; a failing test leaves a picture of what they saw last."""
    contexts = []

    def person(server: Server, language: str = "en", **options: object) -> Console:
        locale = {"en": "en-GB", "ja": "ja-JP"}[language]
        context = browser.new_context(
            locale=locale, timezone_id="Asia/Tokyo", viewport={"width": 1440, "height": 1000}, **options
        )
        contexts.append(context)
        return Console(context.new_page(), server.url, language)

    yield person
    for number, context in enumerate(contexts):
        context.pages[0].screenshot(path=tmp_path / f"last-{number}.png", full_page=True)
        context.close()
