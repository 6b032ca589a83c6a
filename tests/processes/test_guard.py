"""Who may reach the screens, and what every answer tells the browser."""

import asyncio
import base64
import hashlib
import re
from pathlib import Path

import pytest
import streamlit
from starlette.responses import PlainTextResponse

from services.processes.guard import CLOSE_NO_IDENTITY, HEADERS, IdentityGuard, SecurityHeaders


async def screens(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await PlainTextResponse("screen")(scope, receive, send)


def ask(app, kind="http", path="/", headers=()):
    """What the server sends back, as ASGI messages."""
    sent = []
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]

    async def receive():
        return {"type": "websocket.connect" if kind == "websocket" else "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": encoded, "method": "GET", "query_string": b""}
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


@pytest.mark.parametrize("path", ["/_stcore/health", "/api/ready"])
def test_health_needs_no_identity(guarded, path):
    assert ask(guarded, path=path)[0]["status"] == 200


def test_on_ones_own_machine_nobody_signs_in(settings):
    assert ask(IdentityGuard(screens))[0]["status"] == 200
