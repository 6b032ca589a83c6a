"""Whatever an agent returned, as a ResponsesAgent's answer; its text, and the steps before it."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pydantic
from mlflow.types.responses import create_text_output_item

from services.jsons import DEEPEST

TEXT_PARTS = ("text", "input_text", "output_text")
# Where a dictionary that an agent returns has its text.
ANSWERS = ("answer", "output", "text", "content", "response", "result")


def as_response(answered: Any) -> dict[str, Any]:
    """A ResponsesAgent's answer as it is; anything else as the text of one item."""
    if isinstance(answered, dict) and isinstance(answered.get("output"), list):
        return answered
    return {"object": "response", "output": [item(answered)]}


def as_event(event: Any) -> dict[str, Any]:
    if isinstance(event, dict) and str(event.get("type", "")).startswith("response."):
        return event
    return {"type": "response.output_item.done", "item": item(event)}


def whole(answered: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of an answer that was not streamed."""
    facts = {"custom_outputs": answered["custom_outputs"]} if answered.get("custom_outputs") else {}
    for one in answered["output"]:
        yield {"type": "response.output_item.done", "item": one, **facts}


def item(answered: Any) -> dict[str, Any]:
    return create_text_output_item(text=readable(answered), id=f"msg_{uuid.uuid4().hex}")


def readable(answered: Any, deepest: int = DEEPEST) -> str:
    """As a person reads it: a text, or lines of names and values."""
    plain = _plain(answered)
    if isinstance(plain, list) and len(plain) == 1 and deepest:
        return readable(plain[0], deepest - 1)
    if isinstance(plain, list) and any(isinstance(one, dict) for one in plain) and deepest:
        return "\n\n".join(readable(one, deepest - 1) for one in plain)
    if isinstance(plain, list):
        return _lines(plain)
    if isinstance(plain, dict):
        texts = [plain[name] for name in ANSWERS if isinstance(plain.get(name), str)]
        return texts[0] if len(plain) == 1 and texts else "\n".join(f"{name}: {_short(plain[name])}" for name in plain)
    return plain if isinstance(plain, str) else _short(plain)


def _plain(answered: Any) -> Any:
    if isinstance(answered, pd.DataFrame):
        return answered.to_dict("records")
    if isinstance(answered, pydantic.BaseModel):
        return answered.model_dump(mode="json", exclude_none=True)
    if isinstance(answered, (pd.Series, np.ndarray, np.generic)):
        return answered.tolist()
    return list(answered) if isinstance(answered, tuple) else answered


def _lines(values: list[Any]) -> str:
    return "\n".join(map(_short, values))


def _short(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, (dict, list)) for one in value):
        return ", ".join(map(_short, value))
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "…"


def answer_text(answered: Any) -> str:
    """The text of a ResponsesAgent's answer, without the calls and answers of tools."""
    listed = answered.get("output") if isinstance(answered, dict) else None
    messages = [one for one in listed or [] if isinstance(one, dict) and one.get("type", "message") == "message"]
    return "".join(plain_text(one.get("content")) for one in messages)


def plain_text(content: Any) -> str:
    """The text of a message that is a text or a list of parts."""
    if not isinstance(content, list):
        return str(content or "")
    parts = [one for one in content if isinstance(one, dict)]
    return "".join(str(one.get("text") or one.get("refusal") or "") for one in parts)
