"""Keys in texts: found wherever they stand, and nothing else goes with them."""

import json

import pytest

from services.secrets import masked

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
