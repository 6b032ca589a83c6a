"""Access keys in texts that others wrote: what they look like, and how they are taken out before anyone reads them."""

import os
import re

KEY_TEXT = re.compile(r"\b(sk-[A-Za-z0-9_-]{16,}|dapi[0-9a-f]{20,}|Bearer [A-Za-z0-9._~+/-]{16,})")
OWN_KEYS = ("OPENAI_API_KEY", "DATABRICKS_TOKEN")
SHORTEST = 8


def masked(text: str) -> str:
    """The text without the keys of this machine and without anything that looks like one."""
    for own in filter(None, map(os.environ.get, OWN_KEYS)):
        if len(own) >= SHORTEST:
            text = text.replace(own, "…")
    return KEY_TEXT.sub("…", text)
