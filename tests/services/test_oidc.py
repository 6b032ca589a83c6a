"""What the environment says about signing in, and what is missing."""

import importlib.util
import stat
from dataclasses import replace

import pytest

from services import oidc
from services.errors import ConsoleError
from services.oidc import Oidc
from services.secrets import Secret

WHOLE = Oidc("https://id.example", "console", Secret("sssh"))
PUBLIC = "https://console.example"


def test_what_is_set_is_read():
    told = oidc.read(
        {
            "SIGNALBOX_OIDC_URL": "https://id.example/realm",
            "SIGNALBOX_OIDC_CLIENT_SECRET": "sssh",
            "SIGNALBOX_OIDC_GROUPS_CLAIM": "roles",
            "SIGNALBOX_SESSION_HOURS": "0.5",
        }
    )
    assert told.metadata_url == "https://id.example/realm/.well-known/openid-configuration"
    assert (told.groups_claim, told.email_claim, told.hours) == ("roles", "email", 0.5)
    assert "sssh" not in repr(told)
    whole = "https://id.example/.well-known/openid-configuration"
    assert oidc.read({"SIGNALBOX_OIDC_URL": whole}).metadata_url == whole


@pytest.mark.parametrize("hours", ["0", "-1", "soon", "nan", "9999"])
def test_a_wrong_number_of_hours_is_named(hours):
    with pytest.raises(ConsoleError) as refused:
        oidc.read({"SIGNALBOX_SESSION_HOURS": hours})
    assert "SIGNALBOX_SESSION_HOURS" in str(refused.value)


def test_streamlits_own_file_adds_what_the_environment_leaves_out(tmp_path):
    (tmp_path / ".streamlit").mkdir()
    file = tmp_path / ".streamlit" / "secrets.toml"
    file.write_text(
        '[auth]\nclient_id = "theirs"\nclient_secret = "sssh"\nserver_metadata_url = "https://id.example"\n'
        'redirect_uri = "https://console.example/oauth2callback"\n'
    )
    environ = {"SIGNALBOX_OIDC_CLIENT_ID": "ours"}
    oidc.add_secrets_file(environ, tmp_path)
    assert environ == {
        "SIGNALBOX_OIDC_CLIENT_ID": "ours",
        "SIGNALBOX_OIDC_CLIENT_SECRET": "sssh",
        "SIGNALBOX_OIDC_URL": "https://id.example",
        "SIGNALBOX_PUBLIC_URL": "https://console.example",
    }
    for broken in ('[auth]\nclient_secret = "sssh', 'auth = "sssh"'):
        file.write_text(broken)
        with pytest.raises(ConsoleError) as refused:
            oidc.add_secrets_file(environ, tmp_path)
        assert "sssh" not in str(refused.value)


def test_what_is_whole_may_start():
    oidc.check(WHOLE, PUBLIC)
    oidc.check(replace(WHOLE, url="http://127.0.0.1:9000"), "http://localhost:8501")


@pytest.mark.parametrize(
    ("wrong", "public", "words"),
    [
        ({"client_id": ""}, PUBLIC, "SIGNALBOX_OIDC_CLIENT_ID is not set"),
        ({"client_secret": None}, PUBLIC, "SIGNALBOX_OIDC_CLIENT_SECRET is not set"),
        ({}, "", "SIGNALBOX_PUBLIC_URL is not set"),
        ({"url": "http://id.example"}, PUBLIC, "SIGNALBOX_OIDC_URL does not begin with https://"),
        ({}, "http://console.example", "SIGNALBOX_PUBLIC_URL does not begin with https://"),
        ({}, "https://console.example/signalbox", "SIGNALBOX_PUBLIC_URL has a path"),
        ({"cookie_secret": Secret("short")}, PUBLIC, "could be guessed"),
    ],
)
def test_what_is_missing_or_unsafe_is_named(wrong, public, words):
    with pytest.raises(ConsoleError) as refused:
        oidc.check(replace(WHOLE, **wrong), public)
    assert words in str(refused.value)


def test_without_authlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConsoleError) as refused:
        oidc.check(WHOLE, PUBLIC)
    assert "Authlib is not installed" in str(refused.value) and "uv pip install" in str(refused.value)


def test_the_secret_of_the_cookie_is_made_once_for_its_owner(tmp_path):
    made = oidc.signing_secret(WHOLE, tmp_path / "run")
    assert len(made) >= oidc.LEAST_SECRET
    assert oidc.signing_secret(WHOLE, tmp_path / "run") == made
    assert [stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "run").iterdir()] == [0o600]
    assert oidc.signing_secret(replace(WHOLE, cookie_secret=Secret("own")), tmp_path / "run") == "own"
