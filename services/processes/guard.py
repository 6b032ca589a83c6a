"""Who may reach the web server at all: a person of the proxy, or behind a sign-in what is not open to everyone."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services import oidc, people, settings
from services.errors import ConsoleError
from services.people import Actor
from services.secrets import LOOPBACK

CLOSE_NO_IDENTITY = 4401
OPEN_PATHS = ("/_stcore/health", "/api/ready", "/api/metrics")
# Before a sign-in the browser needs the page that asks for it: Streamlit's own files, and the WebSocket that draws it.
ASSETS = "/static/"
SHOWN_TO_ALL = (*OPEN_PATHS, "/_stcore/host-config", "/_stcore/stream")
# Anywhere in a path: where Streamlit was told to serve below one, that is closed rather than open.
GUARDED = ("/_stcore/", "/media/", "/api/")
COOKIE = "_streamlit_user"
# A person's key to a workspace: none of our code needs it, so none gets it.
KEY_OF_PERSON = b"x-forwarded-access-token"
SECONDS = 31 * 24 * 3600


class IdentityGuard:
    """Refuses requests and WebSockets of nobody, and identity headers that are there twice.

    `ended` says whether a sign-in was signed out before its time.
    """

    def __init__(self, app: ASGIApp, ended: Callable[[Actor], bool] = lambda actor: False) -> None:
        self.app = app
        self.ended = ended
        self.settings = settings.load(os.environ)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif await self._known(scope):
            scope["headers"] = [one for one in scope["headers"] if one[0] != KEY_OF_PERSON]
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": CLOSE_NO_IDENTITY, "reason": "no identity"})
        else:
            refused = PlainTextResponse(self._refusal(), 401)
            await refused(scope, receive, send)

    async def _known(self, scope: Scope) -> bool:
        match self.settings.identity:
            case "proxy":
                return scope["path"] in OPEN_PATHS or self._by_proxy(Headers(scope=scope))
            case "oidc":
                path = scope["path"]
                if path in SHOWN_TO_ALL or path.startswith(ASSETS) or not any(part in path for part in GUARDED):
                    return True
                # It reads a file and asks the database, for which nobody else should wait.
                return await run_in_threadpool(self._signed_in, HTTPConnection(scope))
        return scope["path"] in OPEN_PATHS or self._by_own_name(Headers(scope=scope).get("host"))

    def _refusal(self) -> str:
        if self.settings.identity != "local":
            return "Open the console through your organisation's sign-in, not directly.\n"
        return f"Open the console at {self.settings.url}, or set SIGNALBOX_PUBLIC_URL to the address that leads here.\n"

    def _by_own_name(self, host: str | None) -> bool:
        """A page of somebody else may let its own name lead to this machine; its requests still carry that name."""
        try:
            name = urlsplit(f"//{host}").hostname if host else LOOPBACK[0]
        except ValueError:
            return False
        return name in (*LOOPBACK, urlsplit(self.settings.address).hostname)

    def _by_proxy(self, headers: Headers) -> bool:
        """One name, said once: of two, one may be what the browser itself sent."""
        names = headers.getlist(self.settings.email_header)
        return len(names) == 1 and bool(names[0].strip()) and len(headers.getlist(self.settings.groups_header)) < 2

    def _signed_in(self, request: HTTPConnection) -> bool:
        secret = oidc.signing_secret(self.settings.oidc, self.settings.run_folder)
        try:
            return not self.ended(people.identify(self.settings, request.headers, _claims(request.cookies, secret)))
        except ConsoleError:
            return False


def _claims(cookies: Mapping[str, str], secret: str) -> dict[str, Any]:
    """What Streamlit's cookie of a sign-in says, when this console signed it; a long one comes in numbered parts."""
    whole = _signed(cookies, COOKIE, secret)
    if whole.startswith("chunks-"):
        count = int(whole.removeprefix("chunks-"))
        whole = "".join(_signed(cookies, f"{COOKIE}_{n}", secret) for n in range(1, count + 1))
    try:
        claims = json.loads(whole)
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _signed(cookies: Mapping[str, str], name: str, secret: str) -> str:
    try:
        return str(URLSafeTimedSerializer(secret, salt=name).loads(cookies.get(name, ""), max_age=SECONDS))
    except BadSignature:
        return ""
