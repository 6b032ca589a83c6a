"""What an agent's file wants of the form: a prompt of the app, a model; seen without running it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.agents.checking.findings import Finding
from services.messages import Message

PROMPT = re.compile(r"\bload_prompt\b|\bprompt_(name|alias|version|uri)\b|\bprompts:/")
MODEL = re.compile(r"\bllm_model\b")


def asks_prompt(source: str) -> bool:
    """Whether the file loads a prompt of the registry, or reads from its config which one it is to load."""
    return bool(PROMPT.search(source))


def asks_model(source: str) -> bool:
    """Whether the file reads from its config which model it is to ask."""
    return bool(MODEL.search(source))


def unchosen_prompt(source: str, config: Mapping[str, Any]) -> Iterator[Finding]:
    """A prompt that the file loads by itself, where none was chosen for it."""
    found = PROMPT.search(source)
    if found is None or config.get("prompt_name"):
        return
    yield Finding(
        Message("The file asks a prompt, and none is chosen for it."),
        Message("Its config then names no prompt, and a release cannot prove which instructions answer."),
        Message("Choose that its instructions are in a prompt of this app, and which one."),
        line=source.count("\n", 0, found.start()) + 1,
    )
