"""Prompts on their way from a file into the console, whatever tool wrote the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.errors import InvalidInputError
from services.messages import Message
from services.prompts.content import ROLES, ChatMessage, ModelSettings, Template

SAME_ROLE = {"developer": "system", "human": "user", "ai": "assistant"}
TEXT_PARTS = ("text", "input_text", "output_text")


@dataclass(frozen=True)
class Incoming:
    """One version in a file; `number` and `base` are the file's own, `left_out` is what cannot be carried over."""

    template: Template
    settings: ModelSettings = field(default_factory=ModelSettings)
    response_format: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    author: str = ""
    written_at: str = ""
    number: int | None = None
    base: int | None = None
    left_out: tuple[Message, ...] = ()


@dataclass(frozen=True)
class IncomingPrompt:
    """One prompt in a file with its versions, oldest first; without a name one is asked for."""

    name: str
    versions: tuple[Incoming, ...]


@dataclass(frozen=True)
class Parcel:
    """What a file holds; `format` names the tool it came from, `refused` the entries that are no prompts."""

    format: str
    prompts: tuple[IncomingPrompt, ...]
    refused: tuple[Message, ...] = ()


def messages(listed: list[Any]) -> tuple[tuple[ChatMessage, ...], tuple[Message, ...]]:
    """Chat messages from the dictionaries of any tool, and what of them cannot be carried over."""
    kept: list[ChatMessage] = []
    left_out: list[Message] = []
    for position, one in enumerate(listed, 1):
        if not isinstance(one, Mapping):
            left_out.append(Message("Message {n} is no message.", n=position))
        elif one.get("type") == "placeholder" or "role" not in one:
            name = str(one.get("name") or one.get("type") or "")
            left_out.append(Message("Message {n} is a placeholder ({name}); the agent adds the conversation itself.", n=position, name=name[:60]))  # fmt: skip
        elif (role := SAME_ROLE.get(str(one["role"]), str(one["role"]))) not in ROLES:
            left_out.append(Message("Message {n} is left out: the agent does not send the role “{role}”. Give it one of these in the file: {roles}.", n=position, role=role[:40], roles=", ".join(ROLES)))  # fmt: skip
        else:
            text, other = _text(one.get("content"))
            kept.append(ChatMessage(role, text))
            left_out += [Message("Message {n} holds something that is no text ({kind}).", n=position, kind=kind) for kind in other]  # fmt: skip
    return tuple(kept), tuple(left_out)


def _text(content: Any) -> tuple[str, list[str]]:
    """The text of a message that is a string or a list of parts, and the kinds of its other parts."""
    if isinstance(content, str):
        return content, []
    parts = content if isinstance(content, list) else [content]
    texts = [part if isinstance(part, str) else str(part.get("text", "")) for part in parts if _is_text(part)]
    return "\n".join(texts), [_kind(part) for part in parts if not _is_text(part)]


def _is_text(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, Mapping) and part.get("type", "text") in TEXT_PARTS)


def _kind(part: Any) -> str:
    return str(part.get("type", "?"))[:40] if isinstance(part, Mapping) else type(part).__name__


def settings(stored: Mapping[str, Any], names: Mapping[str, str]) -> ModelSettings:
    """Model settings of another tool; `names` gives the registry's name for each of its names."""
    renamed = {names.get(key, key): value for key, value in stored.items() if value not in (None, "", [], {})}
    if isinstance(stop := renamed.get("stop_sequences"), str):
        renamed["stop_sequences"] = [stop]
    try:
        for name, kind in (("temperature", float), ("top_p", float), ("max_tokens", int)):
            if name in renamed:
                renamed[name] = _number(renamed[name], kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise unreadable(str(error)) from error
    if "model_name" in renamed:
        renamed["model_name"] = str(renamed["model_name"])
    return ModelSettings.from_json(renamed)


def _number(value: Any, kind: type[int] | type[float]) -> int | float:
    number = float(value)
    if kind is int and not number.is_integer():
        raise ValueError(f"{value} is no whole number")
    return kind(number)


def unreadable(reason: str) -> InvalidInputError:
    return InvalidInputError(
        Message("The file cannot be read: {reason}.", reason=reason[:200]),
        Message("Export it again, or paste only the prompt's text."),
    )
