"""Which prompt an agent loaded, and whether its words reached the model."""

import json
import re
from collections.abc import Iterator
from typing import Any

from mlflow.entities import SpanType, Trace

from services.traces.rows import LINKS, linked_prompts

MODEL_CALLS = (SpanType.CHAT_MODEL, SpanType.LLM)
PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def prompt_version(trace: Trace, name: str) -> int | None:
    """The version of that prompt which the agent loaded; None when it loaded none or several."""
    loaded = {version for found, version in linked_prompts(trace.info) if found == name}
    for span in trace.data.spans:
        loaded |= {int(link["version"]) for link in _links(span.attributes.get(LINKS)) if link["name"] == name}
    return loaded.pop() if len(loaded) == 1 else None


def prompt_seen(trace: Trace, template: str) -> bool:
    """Whether the prompt's words reached the model: its longest literal part stands in the input of a model call.

    An agent that loads its prompt and then sends something else is found out here. A template of variables only has
    no words of its own, so nothing can be shown for it.
    """
    fragments = [_squeezed(fragment) for fragment in _literals(template)]
    longest = max(fragments, key=len, default="")
    calls = [span for span in trace.data.spans if span.span_type in MODEL_CALLS]
    return bool(longest) and any(longest in _squeezed(" ".join(texts(span.inputs))) for span in calls)


def _links(attribute: str | list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """A span's linked prompts; read back from a store they are JSON text."""
    return json.loads(attribute) if isinstance(attribute, str) else attribute or []


def _literals(template: str) -> list[str]:
    """The parts of a template between its variables; a chat template is a list of messages as text."""
    try:
        messages = json.loads(template)
    except ValueError:
        return PLACEHOLDER.split(template)
    if not isinstance(messages, list):
        return PLACEHOLDER.split(template)
    return [part for message in messages for part in PLACEHOLDER.split(str(message.get("content", "")))]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
