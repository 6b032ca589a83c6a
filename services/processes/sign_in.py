"""What Streamlit's sign-in leaves open: no tokens in the browser, safe cookies, the way back, and a word on failure."""

import os
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services import settings
from services.oidc import CALLBACK, EARLIER

LOGIN = "/auth/login"
PERSON, TOKENS = "_streamlit_user", "_streamlit_user_tokens"
WAY_BACK = "signalbox_way_back"
SECONDS_TO_SIGN_IN = 900
SECONDS_REMEMBERED = 30 * 24 * 3600
LONGEST_WAY = 1000
# The screen for signing in reads it.
FAILED = "/?sign_in=failed"


class SignInAnswers:
    """Stands before Streamlit's own routes for signing in; does nothing in other modes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        now = settings.load(os.environ)
        self.active = now.identity == "oidc"
        self.secure = now.address.startswith("https://")
        self.seconds = int(now.oidc.hours * 3600)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.active or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)

        async def send_mended(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mend(request, message)
            await send(message)

        await self.app(scope, receive, send_mended)

    def _mend(self, request: Request, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        cookies = [self._cookie(one) for one in headers.getlist("set-cookie") if not _holds_token(one)]
        if request.url.path == LOGIN:
            if message["status"] >= 400:
                message["status"] = 302
                headers["location"] = FAILED
            cookies += [self._cookie(one) for one in _way_back(request)]
        elif request.url.path == CALLBACK:
            signed_in = any(one.startswith(f"{PERSON}=") and not _deletes(one) for one in cookies)
            _lead_back(request, headers, signed_in)
            if signed_in and WAY_BACK in request.cookies:
                cookies.append(self._cookie(f'{WAY_BACK}=""; HttpOnly; Path=/; SameSite=lax; Max-Age=0'))
        cookies += [self._cookie(one) for one in _earlier(cookies)]
        if "set-cookie" in headers:
            del headers["set-cookie"]
        for one in cookies:
            headers.append("set-cookie", one)

    def _cookie(self, written: str) -> str:
        """As long as the sign-in counts, and over https alone where the console is reached so."""
        name = written.partition("=")[0]
        if name == PERSON or name.startswith(f"{PERSON}_"):
            written = written.replace("Max-Age=2592000", f"Max-Age={self.seconds}")
        return f"{written}; Secure" if self.secure and "; secure" not in written.lower() else written


def _holds_token(cookie: str) -> bool:
    """Streamlit keeps the provider's tokens in the browser for apps that use them; this one does not."""
    return cookie.startswith(TOKENS) and not _deletes(cookie)


def _deletes(cookie: str) -> bool:
    return "max-age=0" in cookie.lower()


def _earlier(cookies: list[str]) -> list[str]:
    """The browser forgets a sign-in that is over; whoever comes back is told so, unless they signed out themselves."""
    person = [one for one in cookies if one.startswith(f"{PERSON}=")]
    if not person:
        return []
    value, seconds = ('""', 0) if _deletes(person[-1]) else ("1", SECONDS_REMEMBERED)
    return [f"{EARLIER}={value}; HttpOnly; Path=/; SameSite=lax; Max-Age={seconds}"]


def _way_back(request: Request) -> list[str]:
    """Keep which screen asked for the sign-in: a link in a message leads there also when it has to be signed in first."""
    from_ = urlsplit(request.headers.get("referer", ""))
    path = f"{from_.path}?{from_.query}" if from_.query else from_.path
    if from_.netloc != request.headers.get("host") or len(path) > LONGEST_WAY or path == FAILED:
        return []
    return [f"{WAY_BACK}={quote(path, safe='')}; HttpOnly; Path=/; SameSite=lax; Max-Age={SECONDS_TO_SIGN_IN}"]


def _lead_back(request: Request, headers: MutableHeaders, signed_in: bool) -> None:
    way = unquote(request.cookies.get(WAY_BACK, ""))
    asked = "code" in request.query_params or "error" in request.query_params
    if signed_in and _is_screen(way):
        headers["location"] = way
    elif asked and not signed_in:
        headers["location"] = FAILED


def _is_screen(way: str) -> bool:
    """Browsers leave out tabs and line ends, and take a backslash for a slash: `/<tab>/name` would lead to another host."""
    if not (way.isascii() and way.isprintable()) or "\\" in way:
        return False
    return way.startswith("/") and not way.startswith(("//", "/auth/", CALLBACK))
