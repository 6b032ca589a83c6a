"""Prompts as LangSmith and the LangChain hub store them: a manifest of prompt templates."""

import re
from collections.abc import Mapping
from typing import Any

from services.messages import Message
from services.prompts.content import ChatMessage, Template
from services.prompts.transfer.parcel import Incoming, IncomingPrompt, Parcel, settings

ROLE = {
    "SystemMessagePromptTemplate": "system", "SystemMessage": "system",
    "HumanMessagePromptTemplate": "user", "HumanMessage": "user",
    "AIMessagePromptTemplate": "assistant", "AIMessage": "assistant",
}  # fmt: skip
NAMES = {"model": "model_name", "stop": "stop_sequences", "max_completion_tokens": "max_tokens"}
SETTINGS = frozenset({"model", "model_name", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop"})
FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECTION = re.compile(r"\{\{\s*[#^/>!&]|\{\{\{")


def manifests(stored: Any) -> list[Mapping[str, Any]]:
    """Every commit of a prompt in the file: a manifest itself, or what the hub's API wraps around one."""
    found = stored if isinstance(stored, list) else [stored]
    unwrapped = [one.get("manifest", one) if isinstance(one, Mapping) else one for one in found]
    return [one for one in unwrapped if isinstance(one, Mapping) and one.get("lc") == 1 and _find(one) is not None]


def read(stored: Any) -> Parcel:
    found = stored if isinstance(stored, list) else [stored]
    name = next((str(one.get("repo") or one.get("name") or "") for one in found if isinstance(one, Mapping)), "")
    return Parcel("LangSmith", (IncomingPrompt(name, tuple(map(_version, manifests(stored)))),))


def _find(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The prompt template in a manifest, which may be the first part of a sequence with a model."""
    if _class(node).endswith("PromptTemplate"):
        return node
    first = node.get("kwargs", {}).get("first")
    return _find(first) if isinstance(first, Mapping) else None


def _version(manifest: Mapping[str, Any]) -> Incoming:
    prompt = _find(manifest) or {}
    template, left_out = _template(prompt)
    last = manifest.get("kwargs", {}).get("last") or {}
    bound = last.get("kwargs", {}).get("bound", last)
    stored = {key: value for key, value in bound.get("kwargs", {}).items() if key in SETTINGS}
    return Incoming(template=template, settings=settings(stored, NAMES), left_out=tuple(left_out))


def _template(prompt: Mapping[str, Any]) -> tuple[Template, list[Message]]:
    kwargs = prompt.get("kwargs", {})
    if "messages" not in kwargs:
        return _converted(kwargs)
    kept: list[ChatMessage] = []
    left_out: list[Message] = []
    for position, one in enumerate(kwargs["messages"], 1):
        inner = one.get("kwargs", {})
        if (role := ROLE.get(_class(one))) is None:
            left_out.append(Message("Message {n} is a placeholder ({name}); the agent adds the conversation itself.", n=position, name=str(inner.get("variable_name", _class(one)))[:60]))  # fmt: skip
            continue
        stored = inner.get("prompt")
        parts = stored if isinstance(stored, list) else [stored] if stored else []
        texts = [_converted(part.get("kwargs", {})) for part in parts]
        left_out += [reason for _, reasons in texts for reason in reasons]
        kept.append(ChatMessage(role, "\n".join(text for text, _ in texts) if parts else str(inner.get("content", ""))))
    return tuple(kept), left_out


def _converted(kwargs: Mapping[str, Any]) -> tuple[str, list[Message]]:
    """The text with its variables in double braces, whichever of the template languages it is written in."""
    text, language = str(kwargs.get("template", "")), kwargs.get("template_format", "f-string")
    if language == "f-string":
        return FIELD.sub(_braces, text), []
    if language == "mustache" and SECTION.search(text):
        return text, [Message("The template uses sections or partials, which the registry does not fill in.")]
    return text, []


def _braces(found: re.Match[str]) -> str:
    return f"{{{{{found[1]}}}}}" if found[1] else found[0][0]


def _class(node: Any) -> str:
    listed = node.get("id") if isinstance(node, Mapping) else None
    return str(listed[-1]) if isinstance(listed, list) and listed else ""
