"""Access keys in texts that others wrote: what they look like, and how they are taken out before anyone reads them."""

import os
import re
from dataclasses import dataclass, field

KEY_TEXT = re.compile(
    # Japanese may stand right before a key, and so may the letter of a line end that JSON has escaped.
    r"((?<![A-Za-z0-9_])|(?<=\\[nrt]))(sk-[A-Za-z0-9_-]{16,}|dapi[0-9a-f]{20,}|Bearer [A-Za-z0-9._~+/-]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}"
    r"|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{30,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(\.[A-Za-z0-9_-]+)?)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(\s*(Proc-Type|DEK-Info):[^\n]*)*([A-Za-z0-9+/=\s]|\\[nr])*(-----END [A-Z ]*PRIVATE KEY-----)?"
)
OWN_KEYS = (
    *("OPENAI_API_KEY", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET"),
    *("SIGNALBOX_WEBHOOK_SECRET", "SIGNALBOX_SLACK_URL", "SIGNALBOX_SMTP_URL"),
    "SIGNALBOX_METRICS_TOKEN",
)
# Variables that agents may read: the keys of their tools.
OF_AGENTS = "AGENT_"
SHORTEST = 8
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Secret:
    """A value that never prints itself."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "••••"


def is_key(name: str) -> bool:
    """Whether a variable of this name holds a key."""
    return name in OWN_KEYS or name.startswith(OF_AGENTS)


def masked(text: str) -> str:
    """The text without the keys of this machine and without anything that looks like one."""
    for name, own in os.environ.items():
        if is_key(name) and len(own) >= SHORTEST:
            text = text.replace(own, "…")
    return KEY_TEXT.sub("…", text)
