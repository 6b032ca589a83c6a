"""The shapes in which tools store what is asked: ours, chat messages, one text, or anything else."""

import json
from collections.abc import Mapping
from typing import Any

from services.jsons import sound

CONVERSATIONS = ("input", "messages")
TEXTS = ("question", "query", "input", "inputs", "prompt", "request", "message", "text", "user_input", "goal")
# MLflow wraps the arguments of the traced function, and a ResponsesAgent's is called `request`.
WRAPPERS = ("request",)


def messages(asked: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is asked, as messages with plain text; what has no known shape is one message in its own words."""
    for name in WRAPPERS:
        if isinstance(asked.get(name), dict):
            return messages(asked[name])
    for name in CONVERSATIONS:
        found = _conversation(asked.get(name))
        if found:
            return found
    return [{"role": "user", "content": sound(_worded(asked))}]


def reworded(form: Mapping[str, Any], question: str) -> dict[str, Any] | None:
    """The same shape asking `question` in the end; None when the shape has no single place for it."""
    for name in CONVERSATIONS:
        if _conversation(form.get(name)):
            *earlier, last = form[name]
            return {**form, name: [*earlier, {**last, "content": question}]} if _asks(last) else None
    if len(form) == 1 and _place(form):
        return {_place(form): question}
    return None


def text(content: Any) -> str:
    """The text of a message; of content parts, those that are text."""
    if isinstance(content, list):
        content = "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and part.get("text"))
    return "" if content is None else sound(str(content))


def _conversation(found: Any) -> list[dict[str, str]]:
    if not isinstance(found, list) or not found:
        return []
    if not all(isinstance(one, dict) and "content" in one for one in found):
        return []
    asked = list(found)
    while asked and not _asks(asked[-1]):
        asked.pop()
    return [{"role": str(one.get("role") or "user"), "content": text(one["content"])} for one in asked or found]


def _asks(message: Mapping[str, Any]) -> bool:
    """Whether a person says it; an answer after the last question is not part of what is asked."""
    return message.get("role", "user") == "user"


def _worded(asked: Mapping[str, Any]) -> str:
    """The question first, then what was stored beside it, each under its name."""
    place = _place(asked)
    if not place:
        return _plain(next(iter(asked.values()))) if len(asked) == 1 else _plain(dict(asked))
    beside = [
        f"{name}: {_plain(value)}" for name, value in sorted(asked.items()) if name != place and value not in (None, "")
    ]
    return "\n\n".join([str(asked[place]), *beside])


def _place(asked: Mapping[str, Any]) -> str:
    """The name under which a single question stands."""
    return next((name for name in TEXTS if isinstance(asked.get(name), str)), "")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
