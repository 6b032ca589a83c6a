"""The web server: `python app.py` checks what could go wrong first, then serves the screens and keeps the worker up."""

import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services import settings as settings_module
from services.errors import ConsoleError, NotReadyError
from services.messages import Message
from services.processes.guard import IdentityGuard, SecurityHeaders
from services.processes.lock import Lock, held, read
from services.settings import Settings

log = logging.getLogger("signalbox.web")

LARGEST_LOG = 20_000_000


class Keeper(threading.Thread):
    """Prepares the stores, warms the imports, then keeps one worker running until the server stops."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="keeper", daemon=True)
        self.settings = settings
        self.stopping = threading.Event()
        self.prepared = threading.Event()
        self.lock = settings.run_folder / "worker.lock"

    def run(self) -> None:
        from pages.components import session

        session.platform()
        self.prepared.set()
        while not self.stopping.is_set():
            if not held(self.lock):
                self._start_worker()
            self.stopping.wait(1)

    def stop(self) -> None:
        """Stop the worker, also one that an earlier server started; it stops the gateway and the served versions."""
        self.stopping.set()
        if not held(self.lock):
            return
        os.kill(read(self.lock)["pid"], signal.SIGTERM)
        end = time.monotonic() + 10
        while held(self.lock) and time.monotonic() < end:
            time.sleep(0.05)

    def _start_worker(self) -> None:
        self.settings.log_folder.mkdir(parents=True, exist_ok=True)
        file = self.settings.log_folder / "worker.log"
        if file.exists() and file.stat().st_size > LARGEST_LOG:
            file.replace(file.with_suffix(".old.log"))
        with file.open("ab") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "services.processes.worker"], start_new_session=True, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, cwd=os.path.dirname(os.path.abspath(__file__)),
            )
        while worker.poll() is None and not held(self.lock) and not self.stopping.is_set():
            time.sleep(0.05)
        _warm()


def _warm() -> None:
    """Import what the first click would wait for, then take it out of the garbage collector's rounds."""
    import mlflow.genai  # noqa: F401
    import plotly.graph_objects  # noqa: F401

    from services import home, monitoring  # noqa: F401

    gc.collect()
    gc.freeze()


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    settings = settings_module.load(os.environ)
    lock = Lock(settings.run_folder / "web.lock")
    if not lock.acquire():
        raise SystemExit(str(_already_running(settings)))
    lock.tell(url=settings.url)
    keeper = Keeper(settings)
    keeper.start()
    try:
        yield {"keeper": keeper}
    finally:
        keeper.stop()
        lock.release()


async def ready(request: Request) -> JSONResponse:
    """200 once the stores are prepared and the worker runs."""
    keeper: Keeper = app.state["keeper"]
    up = keeper.prepared.is_set() and held(keeper.lock)
    return JSONResponse({"ready": up}, status_code=200 if up else 503)


def show_defect(error: Exception) -> bool:
    """The boundary for what nobody expected: the traceback to the log, a plain sentence to the screen."""
    from pages.components import feedback

    return feedback.show_defect(error)


app = st.App(
    "pages/_shell.py",
    lifespan=lifespan,
    middleware=[Middleware(SecurityHeaders), Middleware(IdentityGuard)],
    routes=[Route("/api/ready", ready)],
    on_script_error=show_defect,
)


def main() -> int:
    """Serve until stopped; 2 with one sentence and a next step when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = settings_module.load(os.environ)
        _check(settings)
    except ConsoleError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Signalbox: {settings.url}  (data in {settings.home}; stop with Ctrl+C)", flush=True)
    if _wants_browser():
        threading.Timer(2.0, webbrowser.open, [settings.url]).start()
    app.run(config={"server.port": settings.port, "server.address": settings.host})
    return 0


def _check(settings: Settings) -> None:
    """Raise for what would otherwise fail later and less clearly."""
    try:
        settings.run_folder.mkdir(parents=True, exist_ok=True)
        (settings.run_folder / "writable").write_text("")
    except OSError as error:
        raise NotReadyError(
            Message("The data folder {path} cannot be written: {reason}.", path=str(settings.home), reason=error.strerror or ""),
            Message("Change its permissions, or set SIGNALBOX_HOME to another folder."),
        ) from error
    if held(settings.run_folder / "web.lock"):
        raise _already_running(settings)
    for port, name in ((settings.port, "SIGNALBOX_PORT"), (settings.gateway_port, "SIGNALBOX_GATEWAY_PORT")):
        if _busy(port) and not (name == "SIGNALBOX_GATEWAY_PORT" and held(settings.run_folder / "gateway.lock")):
            raise NotReadyError(Message("Port {port} is used by another program.", port=port),
                                Message("Stop that program, or set {name} to a free port.", name=name))


def _already_running(settings: Settings) -> NotReadyError:
    url = read(settings.run_folder / "web.lock").get("url") or settings.url
    return NotReadyError(
        Message("A console is already running on the data folder {path}, at {url}.", path=str(settings.home), url=url),
        Message("Open that address, or set SIGNALBOX_HOME to another folder."),
    )


def _busy(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _wants_browser() -> bool:
    graphical = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return graphical and sys.stdout.isatty() and "CI" not in os.environ


if __name__ == "__main__":
    sys.exit(main())
