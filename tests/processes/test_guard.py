"""Who may reach the screens, and what every answer tells the browser."""

import asyncio
import base64
import hashlib
import json
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import streamlit
from itsdangerous import URLSafeTimedSerializer
from starlette.responses import PlainTextResponse

from services import oidc
from services.errors import PlatformError
from services.messages import Message
from services.processes.guard import CLOSE_NO_IDENTITY, IdentityGuard
from services.processes.headers import HEADERS, SecurityHeaders
from services.processes.sign_in import SignInAnswers

SECRET = "a secret of forty characters, or some more"


async def screens(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await PlainTextResponse("screen")(scope, receive, send)


def ask(app, kind="http", path="/", headers=(), query=""):
    """What the server sends back, as ASGI messages."""
    sent = []
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]

    async def receive():
        return {"type": "websocket.connect" if kind == "websocket" else "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": encoded, "method": "GET", "query_string": query.encode()}
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.fixture
def guarded(settings, tmp_path, monkeypatch):
    roles = tmp_path / "roles.toml"
    roles.write_text("[roles]\n")
    monkeypatch.setenv("SIGNALBOX_IDENTITY", "proxy")
    monkeypatch.setenv("SIGNALBOX_ROLES_FILE", str(roles))
    return IdentityGuard(screens)


def test_every_answer_forbids_other_hosts_and_frames():
    start = ask(SecurityHeaders(screens))[0]
    sent = {name.decode(): value.decode() for name, value in start["headers"]}
    assert sent | {name.lower(): value for name, value in HEADERS.items()} == sent
    assert "default-src 'self'" in sent["content-security-policy"]
    assert "unsafe-eval" not in sent["content-security-policy"]
    assert "frame-ancestors 'none'" in sent["content-security-policy"]


def test_streamlits_own_inline_script_is_allowed():
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text("utf-8")
    for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in HEADERS["Content-Security-Policy"]


def test_behind_a_proxy_a_request_without_identity_is_refused(guarded):
    assert ask(guarded)[0]["status"] == 401
    assert ask(guarded, headers=[("X-Forwarded-Email", " ")])[0]["status"] == 401


def test_behind_a_proxy_a_websocket_without_identity_is_closed(guarded):
    assert ask(guarded, "websocket", "/_stcore/stream") == [
        {"type": "websocket.close", "code": CLOSE_NO_IDENTITY, "reason": "no identity"}
    ]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_behind_a_proxy_a_named_person_enters(guarded, kind):
    sent = ask(guarded, kind, headers=[("x-forwarded-email", "ada@example.com")])
    assert sent[0].get("status", 200) == 200
    assert sent[0]["type"] in ("http.response.start", "websocket.accept")


@pytest.mark.parametrize("name", ["X-Forwarded-Email", "X-Forwarded-Groups"])
def test_behind_a_proxy_a_header_that_is_there_twice_is_refused(guarded, name):
    """A proxy that adds its header and leaves the browser's own would let anyone be anyone."""
    told = [("X-Forwarded-Email", "ada@example.com"), (name, "root@example.com"), (name, "leads")]
    assert ask(guarded, headers=told)[0]["status"] == 401


def test_a_persons_key_to_a_workspace_reaches_no_code_of_ours(guarded):
    seen = []

    async def look(scope, receive, send):
        seen.extend(scope["headers"])
        await PlainTextResponse("screen")(scope, receive, send)

    guarded.app = look
    ask(guarded, headers=[("X-Forwarded-Email", "ada@example.com"), ("X-Forwarded-Access-Token", "eyJ-key")])
    assert seen == [(b"x-forwarded-email", b"ada@example.com")]


@pytest.mark.parametrize("path", ["/_stcore/health", "/api/ready"])
def test_health_needs_no_identity(guarded, path):
    assert ask(guarded, path=path)[0]["status"] == 200


def test_on_ones_own_machine_nobody_signs_in(settings):
    assert ask(IdentityGuard(screens))[0]["status"] == 200


@pytest.fixture
def signing_in(settings, tmp_path, monkeypatch):
    roles = tmp_path / "roles.toml"
    roles.write_text('[roles]\nviewer = ["ada@example.com"]\n')
    for name, value in {
        "SIGNALBOX_IDENTITY": "oidc",
        "SIGNALBOX_ROLES_FILE": str(roles),
        "SIGNALBOX_OIDC_CLIENT_ID": "console",
        "SIGNALBOX_COOKIE_SECRET": SECRET,
        "SIGNALBOX_PUBLIC_URL": "https://console.example",
    }.items():
        monkeypatch.setenv(name, value)


def cookie(secret=SECRET, **other):
    """As Streamlit writes it after a sign-in; `long` in parts."""
    claims = {"is_logged_in": True, "aud": "console", "email": "ada@example.com", "iat": time.time()} | other
    written = json.dumps(claims)
    parts = {"_streamlit_user": written}
    if len(written) > 4000:
        parts = {
            "_streamlit_user": "chunks-2",
            "_streamlit_user_1": written[:3000],
            "_streamlit_user_2": written[3000:],
        }
    return [("cookie", "; ".join(f"{name}={URLSafeTimedSerializer(secret, salt=name).dumps(one)}" for name, one in parts.items()))]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/", "/prompts", "/static/js/index.js", "/static/media/a.woff2", "/auth/login", "/api/ready"]
)
def test_before_a_sign_in_only_its_own_screen_is_shown(signing_in, path):
    assert ask(IdentityGuard(screens), path=path)[0]["status"] == 200
    assert ask(IdentityGuard(screens), "websocket", "/_stcore/stream")[0]["type"] == "websocket.accept"


@pytest.mark.parametrize(
    "path", ["/media/x.csv", "/_stcore/upload_file/a/b", "/_stcore/metrics", "/api/anything", "/base/media/x"]
)
def test_behind_a_sign_in_nothing_else_is_for_everyone(signing_in, path):
    guard = IdentityGuard(screens)
    assert ask(guard, path=path)[0]["status"] == 401
    assert ask(guard, path=path, headers=cookie())[0]["status"] == 200
    assert ask(guard, path=path, headers=cookie(groups=["g" * 100] * 50))[0]["status"] == 200
    assert ask(guard, path=path, headers=[("x-forwarded-email", "ada@example.com")])[0]["status"] == 401


@pytest.mark.parametrize(
    "told",
    [
        {"secret": "x" * 40},
        {"iat": time.time() - 9 * 3600},
        {"aud": "other"},
        {"email": "eve@example.com"},
        {"is_logged_in": False},
    ],
)
def test_a_forged_old_or_foreign_sign_in_opens_nothing(signing_in, told):
    assert ask(IdentityGuard(screens), path="/media/x.csv", headers=cookie(**told))[0]["status"] == 401


def test_a_sign_in_that_was_signed_out_opens_nothing(signing_in):
    assert ask(IdentityGuard(screens, lambda actor: True), path="/media/x.csv", headers=cookie())[0]["status"] == 401


def test_while_nobody_can_tell_who_signed_out_nothing_is_opened(signing_in):
    def away(actor):
        raise PlatformError(Message("away"))

    assert ask(IdentityGuard(screens, away), path="/media/x.csv", headers=cookie())[0]["status"] == 401


def answering(status, *headers):
    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b""})

    return answer


def answer(app, path, query="", **headers):
    start = ask(SignInAnswers(app), path=path, query=query, headers=list(headers.items()))[0]
    told = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return start["status"], dict(told).get("location"), [value for name, value in told if name == "set-cookie"]


PERSON = (b"set-cookie", b"_streamlit_user=abc; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax")
TOKENS = (b"set-cookie", b"_streamlit_user_tokens=eyJ; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax")
HOME = (b"location", b"/")


def test_the_browser_keeps_no_token_and_its_cookie_ends_with_the_sign_in(signing_in):
    status, location, cookies = answer(answering(302, HOME, PERSON, TOKENS), "/oauth2callback", "code=c&state=s")
    assert (status, location) == (302, "/")
    user, earlier = cookies
    assert user == "_streamlit_user=abc; HttpOnly; Max-Age=28800; Path=/; SameSite=lax; Secure"
    assert earlier.startswith(f"{oidc.EARLIER}=1;"), "says only that somebody signed in, not who"


def test_a_sign_in_leads_back_to_the_screen_that_asked_for_it(signing_in):
    _, _, cookies = answer(answering(302, HOME), "/auth/login", host="c", referer="https://c/releases?release=3")
    kept = cookies[0].partition(";")[0]
    _, location, after = answer(answering(302, HOME, PERSON), "/oauth2callback", "code=c&state=s", cookie=kept)
    assert location == "/releases?release=3"
    way_back = next(cookie for cookie in after if cookie.startswith("signalbox_way_back="))
    assert way_back.startswith('signalbox_way_back="";') and "Max-Age=0" in way_back


@pytest.mark.parametrize(
    "way",
    [
        "//evil.example",
        "https://evil.example/x",
        "/\\evil.example",
        "/\t/evil.example",
        "/releases\n",
        "/é",
        "/oauth2callback?a",
        "",
    ],
)
def test_a_sign_in_leads_nowhere_else(signing_in, way):
    told = f"signalbox_way_back={quote(way, safe='')}"
    assert answer(answering(302, HOME, PERSON), "/oauth2callback", "code=c&state=s", cookie=told)[1] == "/"
    foreign = answer(answering(302, HOME), "/auth/login", host="c", referer="https://evil.example/releases")
    assert foreign[2] == []


def test_a_sign_in_that_failed_says_so(signing_in):
    gone = (b"set-cookie", b'_streamlit_user=""; Max-Age=0; Path=/; SameSite=lax')
    for query in ("code=c&state=s", "error=access_denied"):
        assert answer(answering(302, HOME, gone), "/oauth2callback", query)[1] == "/?sign_in=failed"
    assert answer(answering(400), "/auth/login")[:2] == (302, "/?sign_in=failed")
    assert answer(answering(302, HOME), "/oauth2callback")[1] == "/", "back from signing out"


def test_in_other_modes_answers_pass_as_they_are(settings):
    assert answer(answering(302, HOME, TOKENS), "/oauth2callback", "code=c")[2] == [TOKENS[1].decode()]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_foreign_name_that_leads_to_this_machine_is_refused(settings, monkeypatch, kind):
    """Else a page of somebody else could drive the console of whoever looks at it."""
    monkeypatch.setenv("SIGNALBOX_PUBLIC_URL", "https://box.example.com/")
    app = IdentityGuard(screens)
    entered = ("http.response.start", "websocket.accept")
    for host in ("127.0.0.1:8501", "localhost", "[::1]:8501", "LOCALHOST:1", "box.example.com"):
        sent = ask(app, kind, headers=[("host", host)])[0]
        assert sent["type"] in entered and sent.get("status", 200) == 200
    for host in ("rebound.example.com:8501", "127.0.0.1.example.com", "[", "localhost@example.com"):
        sent = ask(app, kind, headers=[("host", host)])[0]
        assert sent.get("status") == 401 or sent["type"] == "websocket.close"
