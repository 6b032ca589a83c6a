"""The web server: `python app.py` checks what could go wrong first, then serves the screens and keeps the worker up."""

import gc
import logging
import os
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services import oidc, people
from services import settings as settings_module
from services.errors import ConsoleError
from services.people import Actor
from services.processes import knowledge, logs, startup
from services.processes.guard import IdentityGuard
from services.processes.headers import SecurityHeaders
from services.processes.keeper import Keeper
from services.processes.lock import Lock
from services.processes.sign_in import SignInAnswers
from services.processes.timing import Timing
from services.settings import Settings

if TYPE_CHECKING:
    from services.workspace import Platform

LARGEST_LOG = 20_000_000
SECONDS_TO_OPEN = 60.0


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Own the data folder and keep a worker while the server runs."""
    settings = settings_module.load(os.environ)
    lock = Lock(settings.run_folder / "web.lock")
    if not lock.acquire():
        raise startup.already_running(settings)
    lock.tell(url=settings.url)
    _log_to_file(settings)
    keeper = Keeper(settings, _prepare, _warm)
    keeper.start()
    try:
        yield {"keeper": keeper}
    finally:
        keeper.stop()
        lock.release()


async def ready(request: Request) -> JSONResponse:
    """200 once the stores are prepared and the worker works; 503 while they are brought up to date or it is away."""
    up = _ready()
    return JSONResponse({"ready": up}, status_code=200 if up else 503)


def metrics(request: Request) -> Response:
    """Numbers for Prometheus, for whoever knows the token; without one there is nothing at this address."""
    from services.operations import metrics as told

    token = os.environ.get(told.TOKEN, "")
    if len(token) < told.SHORTEST:
        return PlainTextResponse("Not found.\n", 404)
    if not told.admitted(token, request.headers.get("authorization", "")):
        return PlainTextResponse("The token is missing or wrong.\n", 401, {"WWW-Authenticate": "Bearer"})
    return PlainTextResponse(told.text(_platform(), _ready()), media_type=told.CONTENT_TYPE)


def show_defect(error: Exception) -> bool:
    """The boundary for what nobody expected: the traceback to the log, a plain sentence to the screen."""
    from pages.components import feedback

    return feedback.show_defect(error)


app: st.App


def console() -> st.App:
    """The server of the screens, as the environment is now."""
    settings = settings_module.load(os.environ)
    public_url = settings.outgoing.public_url
    by_oidc = settings.identity == "oidc" and public_url
    return st.App(
        "pages/_shell.py",
        secrets={"auth": oidc.for_streamlit(settings.oidc, public_url, settings.run_folder)} if by_oidc else None,
        lifespan=lifespan,
        middleware=[
            Middleware(Timing),
            Middleware(SecurityHeaders),
            Middleware(SignInAnswers),
            Middleware(IdentityGuard, ended=_signed_out),
        ],
        routes=[Route("/api/ready", ready), Route("/api/metrics", metrics), *knowledge.routes()],
        on_script_error=show_defect,
    )


def main() -> int:
    """Serve until stopped; 2 with one sentence and a next step when it cannot start."""
    global app
    try:
        settings_module.add_env_file(os.environ, Path.cwd())
        oidc.add_secrets_file(os.environ, Path.cwd())
        settings = settings_module.load(os.environ)
        logs.start(settings.log_format)
        for loud in ("alembic", "httpx2", "httpx"):
            logging.getLogger(loud).setLevel(logging.WARNING)
        startup.check(settings)
        app = console()
    except ConsoleError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Signalbox: {settings.url}  (data in {settings.home}; stop with Ctrl+C)", flush=True)
    if _wants_browser():
        threading.Thread(target=_open_browser, args=(settings.url,), daemon=True).start()
    app.run(config={"server.port": settings.port, "server.address": settings.host})
    return 0


def _signed_out(actor: Actor) -> bool:
    """Whether a person ended this sign-in; nobody is let in while that cannot be looked up."""
    platform = _platform()
    return platform is None or people.signed_out(platform.engine, actor)


def _ready() -> bool:
    return "keeper" in app.state and app.state["keeper"].ready


def _platform() -> "Platform | None":
    """What this server is connected to; None while the stores are brought up to date."""
    if "keeper" not in app.state or not app.state["keeper"].prepared.is_set():
        return None
    from pages.components import session

    return session.platform()


def _prepare() -> None:
    from pages.components import session

    session.platform()


def _warm() -> None:
    """Import what the first click would wait for, then take it out of the garbage collector's rounds."""
    import mlflow.genai  # noqa: F401
    import plotly.graph_objects  # noqa: F401

    from services import home, monitoring  # noqa: F401

    gc.collect()
    gc.freeze()


def _log_to_file(settings: Settings) -> None:
    """Keep our own lines, with the tracebacks of defects, where an engineer finds them later."""
    settings.log_folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(settings.log_folder / "web.log", maxBytes=LARGEST_LOG, backupCount=1)
    handler.setFormatter(logs.formatter(settings.log_format))
    logging.getLogger("signalbox").addHandler(handler)


def _wants_browser() -> bool:
    graphical = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return graphical and sys.stdout.isatty() and "CI" not in os.environ


def _open_browser(url: str) -> None:
    """Open the console once its first screen can be drawn."""
    end = time.monotonic() + SECONDS_TO_OPEN
    while not _ready() and time.monotonic() < end:
        time.sleep(0.2)
    webbrowser.open(url)


if __name__ == "__main__":
    sys.exit(main())
app = console()  # for other launchers: `streamlit run app.py`, uvicorn
