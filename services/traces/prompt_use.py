"""Which prompt an agent loaded, and whether its words reached the model."""

import re
from collections.abc import Iterator
from typing import Any

from mlflow.entities import SpanType, Trace

from services.jsons import DEEPEST
from services.traces.rows import LINKS, json_of, linked_prompts, links

MODEL_CALLS = (SpanType.CHAT_MODEL, SpanType.LLM)
# Bounded, so that a hostile text takes no longer than another of its length.
PLACEHOLDER = re.compile(r"\{\{.{0,1000}?\}\}|\{%.{0,1000}?%\}|\{#.{0,1000}?#\}", re.DOTALL)


def prompt_version(trace: Trace, name: str) -> int | None:
    """The version of that prompt which the agent loaded; None when it loaded none or several."""
    loaded = {version for found, version in loaded_prompts(trace) if found == name}
    return loaded.pop() if len(loaded) == 1 else None


def loaded_prompts(trace: Trace) -> set[tuple[str, int]]:
    """Every prompt that was loaded while it answered, by its full name and version."""
    of_spans = [link for span in trace.data.spans for link in _links(span.attributes.get(LINKS))]
    return {*linked_prompts(trace.info), *of_spans}


def prompt_seen(trace: Trace, template: str) -> bool:
    """Whether the prompt's words reached the model: its longest literal part stands in the input of a model call.

    An agent that loads its prompt and then sends something else is found out here. A template of variables only has
    no words of its own, so nothing can be shown for it.
    """
    fragments = [_squeezed(fragment) for fragment in _literals(template)]
    longest = max(fragments, key=len, default="")
    calls = [span for span in trace.data.spans if span.span_type in MODEL_CALLS]
    return bool(longest) and any(longest in _squeezed(" ".join(texts(span.inputs))) for span in calls)


def _links(attribute: str | list[dict[str, Any]] | None) -> list[tuple[str, int]]:
    """A span's linked prompts; read back from a store they are JSON text."""
    return links(json_of(attribute) if isinstance(attribute, str) else attribute)


def _literals(template: str) -> list[str]:
    """The parts of a template between its variables; a chat template is a list of messages as text."""
    messages = json_of(template)
    if not isinstance(messages, list):
        return PLACEHOLDER.split(template)
    contents = [str(one.get("content", "")) for one in messages if isinstance(one, dict)]
    return [part for content in contents for part in PLACEHOLDER.split(content)]


def texts(value: Any, deepest: int = DEEPEST) -> Iterator[str]:
    """Every text in it; what is nested deeper is left out."""
    if isinstance(value, str):
        yield value
    elif deepest and isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one, deepest - 1)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
