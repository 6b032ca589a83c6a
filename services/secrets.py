"""Access keys in texts that others wrote: what they look like, and how they are taken out before anyone reads them."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

KEY_TEXT = re.compile(
    # Japanese may stand right before a key, and so may the letter of a line end that JSON has escaped.
    r"((?<![A-Za-z0-9_])|(?<=\\[nrt]))(sk-[A-Za-z0-9_-]{16,}|dapi[0-9a-f]{20,}|Bearer [A-Za-z0-9._~+/-]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}"
    r"|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{30,}|eyJ[A-Za-z0-9_-]{10,2000}+\.eyJ[A-Za-z0-9_-]{10,}(\.[A-Za-z0-9_-]+)?)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(\s*(Proc-Type|DEK-Info):[^\n]*)*([A-Za-z0-9+/=\s]|\\[nr])*(-----END [A-Z ]*PRIVATE KEY-----)?"
)
OWN_KEYS = (
    *("OPENAI_API_KEY", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET"),
    *("SIGNALBOX_WEBHOOK_SECRET", "SIGNALBOX_SLACK_URL", "SIGNALBOX_SMTP_URL"),
    *("SIGNALBOX_METRICS_TOKEN", "PGPASSWORD", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"),
    *("SIGNALBOX_OIDC_CLIENT_SECRET", "SIGNALBOX_COOKIE_SECRET"),
)
# Of these only the password within is a key: where a database lies may be told.
ADDRESSES = ("SIGNALBOX_DATABASE_URL", "MLFLOW_TRACKING_URI")
# Variables that agents may read: the keys of their tools.
OF_AGENTS = "AGENT_"
# Further chats, each with an address of its own.
OF_CHATS = "SIGNALBOX_SLACK_URL_"
SHORTEST = 8
# What stands for a key where the built-in model answers: it asks for none.
PRACTICE = "practice"
SECRET_NAME = re.compile(r"(^|_)((KEY|SECRET|PASSWORD|PWD)S?|TOKEN)($|_)", re.IGNORECASE)
# Several tokens are keys, or the words of a model, of which there may be so many: MAX_TOKENS.
TOKENS_NAME, HOW_MANY = re.compile(r"(^|_)TOKENS($|_)", re.IGNORECASE), re.compile(r"[0-9]{1,7}")
# How an environment variable of a served agent names a secret of a workspace.
REFERENCE = re.compile(r"\{\{\s*secrets/[^/\s{}]+/[^/\s{}]+\s*\}\}")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Secret:
    """A value that never prints itself."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "••••"


def is_key(name: str) -> bool:
    """Whether a variable of this name holds a key."""
    return name in OWN_KEYS or name.startswith((OF_AGENTS, OF_CHATS))


def is_plain(name: str, value: str) -> bool:
    """Whether a variable holds what is likely a key, written out instead of referred to."""
    if REFERENCE.fullmatch(value):
        return False
    keys = TOKENS_NAME.search(name) and not HOW_MANY.fullmatch(value)
    return bool(keys or SECRET_NAME.search(name) or KEY_TEXT.search(value))


def keys_of(environ: Mapping[str, str]) -> list[str]:
    """What nobody reads: the values of keys, and the passwords within them, as written and as sent."""
    own = [value for name, value in environ.items() if is_key(name)]
    addresses = [value for value in (*own, *(environ.get(name, "") for name in ADDRESSES)) if "://" in value]
    within = [word for value in addresses for word in _passwords(value)]
    return [one for one in (*own, *within) if len(one) >= SHORTEST and one != PRACTICE]


def masked(text: str) -> str:
    """The text without the keys of this machine and without anything that looks like one."""
    for own in keys_of(os.environ):
        text = text.replace(own, "…")
    return KEY_TEXT.sub("…", text)


def _passwords(address: str) -> tuple[str, ...]:
    try:
        written = urlsplit(address).password or ""
    except ValueError:
        return ()
    return written, unquote(written)
