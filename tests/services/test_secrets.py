"""Keys in texts: found wherever they stand, and nothing else goes with them."""

import io
import json
import logging

import pytest

from services import delivery
from services.operations import manifest
from services.processes import logs
from services.secrets import masked
from tests.services.test_releases_telling import receiver

KEY = "sk-abcdefghijklmnop1234"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEowIBAAK+/=\nabcd\n"


@pytest.mark.parametrize("text", [f"a {KEY} b", f"a\n{KEY}", f"キーは{KEY}です", f"key={KEY}", json.dumps(f"a\n{KEY}")])
def test_a_key_is_taken_out_wherever_it_stands(text):
    assert masked(text) == text.replace(KEY, "…")


def test_a_word_that_only_ends_like_a_key_stays():
    assert masked("ask-abcdefghijklmnop1234") == "ask-abcdefghijklmnop1234"


@pytest.mark.parametrize("end", ["-----END RSA PRIVATE KEY-----", ""])
def test_a_private_key_goes_and_what_follows_stays(end):
    assert masked(f"before {PEM}{end}、後に続く文") == "before …、後に続く文"
    assert json.loads(masked(json.dumps([PEM + end, "after"])))[1] == "after"


def test_a_log_shows_no_address_of_a_named_chat_and_no_password_of_a_mail_server(monkeypatch):
    lines = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [])
    with receiver(200) as (chat, said):
        environ = {
            "SIGNALBOX_SLACK_URL_OPS": chat,
            "SIGNALBOX_SMTP_URL": "smtps://eve:long%40password@mail.example.com",
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        logs.start(logs.TEXT, logging.StreamHandler(lines))
        assert delivery.post(chat, "{}", {}) is None and len(said) == 1
        assert lines.getvalue() == ""
        logging.getLogger(__name__).warning("to %s with long%%40password, long@password", chat)
    assert lines.getvalue().endswith("to … with …, …\n")
    assert manifest.keys_of(environ) == ("SIGNALBOX_SLACK_URL_OPS", "SIGNALBOX_SMTP_URL")


def test_what_stands_for_the_key_of_the_practice_model_is_a_word_like_any_other(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "practice")
    assert masked("the practice model asks for no key") == "the practice model asks for no key"
    monkeypatch.setenv("OPENAI_API_KEY", "practice-2")
    assert masked("key practice-2") == "key …"
