"""What stands before every request of the web server: security headers, and in proxy mode an identity."""

import os

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services import settings

# `blob:` serves inline components, the hash Streamlit's one inline line; the screens ask no other host for anything.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' blob: 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CLOSE_NO_IDENTITY = 4401
OPEN_PATHS = ("/_stcore/health", "/api/ready", "/api/metrics")


class SecurityHeaders:
    """Adds the headers to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class IdentityGuard:
    """In proxy mode refuses requests and WebSockets without the proxy's identity header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        config = settings.load(os.environ)
        self.header = config.email_header if config.identity == "proxy" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.header is None or scope["type"] == "lifespan" or self._known(scope, self.header):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": CLOSE_NO_IDENTITY, "reason": "no identity"})
        else:
            refused = PlainTextResponse("Open the console through your organisation's sign-in, not directly.\n", 401)
            await refused(scope, receive, send)

    def _known(self, scope: Scope, header: str) -> bool:
        return scope["path"] in OPEN_PATHS or bool(Headers(scope=scope).get(header, "").strip())
