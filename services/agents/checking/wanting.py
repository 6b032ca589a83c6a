"""What an agent's file wants of the form: a prompt of the app, a model; seen without running it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.agents.checking.findings import Finding
from services.messages import Message

PROMPT = re.compile(r"\b(load_prompt|get_prompt_version(_by_alias)?|prompt_(name|alias|version|uri))\b|\bprompts:/")
MODEL = re.compile(r"\bllm_model\b")


def asks_prompt(source: str) -> bool:
    """Whether the file loads a prompt of the registry, or reads from its config which one it is to load."""
    return bool(PROMPT.search(source))


def asks_model(source: str) -> bool:
    """Whether the file reads from its config which model it is to ask."""
    return bool(MODEL.search(source))


def unchosen_prompt(source: str, config: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[Finding]:
    """A prompt that the file, or one beside it, loads by itself, where none was chosen for it."""
    if config.get("prompt_name"):
        return
    for file, text in {"": source, **files}.items():
        found = PROMPT.search(text)
        if found is not None:
            yield Finding(
                Message("The file asks a prompt, and none is chosen for it."),
                Message("Its config then names no prompt, and a release cannot prove which instructions answer."),
                Message("Choose that its instructions are in a prompt of this app, and which one."),
                line=text.count("\n", 0, found.start()) + 1,
                file=file,
            )
