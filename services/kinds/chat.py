"""A ChatAgent's messages and a ResponsesAgent's items, each as the other."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlflow.pyfunc import ChatAgent, PyFuncModel
from mlflow.types.responses import create_text_output_item

from services.kinds.answers import plain_text

KNOWN = ("message", "function_call", "function_call_output")


def streams(model: PyFuncModel) -> bool:
    agent = model.get_raw_model()
    return isinstance(agent, ChatAgent) and type(agent).predict_stream is not ChatAgent.predict_stream


def request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request as a ChatAgent takes it; calls and answers of tools become messages, what has no such form is left out."""
    passed = {name: asked[name] for name in ("context", "custom_inputs") if asked.get(name)}
    said = [one for one in asked.get("input") or [] if one.get("role") or one.get("type", "message") in KNOWN]
    return {"messages": [_message(one) for one in said], **passed}


def _message(item: Mapping[str, Any]) -> dict[str, Any]:
    kind, id = item.get("type", "message"), str(item.get("id") or uuid.uuid4())
    if kind == "function_call":
        function = {"name": str(item.get("name")), "arguments": str(item.get("arguments") or "{}")}
        call = {"id": str(item.get("call_id")), "type": "function", "function": function}
        return {"role": "assistant", "content": "", "tool_calls": [call], "id": id}
    if kind == "function_call_output":
        called = str(item.get("call_id"))
        return {"role": "tool", "content": str(item.get("output")), "tool_call_id": called, "name": "tool", "id": id}
    return {"role": str(item.get("role", "user")), "content": plain_text(item.get("content")), "id": id}


def response(answered: Any) -> Any:
    """A ChatAgent's answer, or a chat completion's, as a ResponsesAgent's; anything else stays."""
    messages = answered.get("messages") if isinstance(answered, dict) else None
    if not isinstance(messages, list) and isinstance(answered, dict) and answered.get("choices"):
        messages = [choice.get("message") or {} for choice in answered["choices"][:1]]
    if not isinstance(messages, list):
        return answered
    output = [item for message in messages if isinstance(message, dict) for item in items(message)]
    told = {"custom_outputs": answered["custom_outputs"]} if answered.get("custom_outputs") else {}
    return {"object": "response", "output": output, **told}


def items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    id = str(message.get("id") or f"msg_{uuid.uuid4().hex}")
    if message.get("role") == "tool":
        output = str(message.get("content") or "")
        yield {"type": "function_call_output", "call_id": str(message.get("tool_call_id")), "output": output}
        return
    if message.get("content"):
        yield create_text_output_item(text=plain_text(message["content"]), id=id)
    for call in message.get("tool_calls") or []:
        function = call.get("function") or {}
        yield {
            "type": "function_call",
            "id": f"fc_{uuid.uuid4().hex}",
            "call_id": str(call.get("id")),
            "name": str(function.get("name")),
            "arguments": str(function.get("arguments") or "{}"),
        }


def events(chunks: Iterable[Any], said: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A ChatAgent's pieces as a ResponsesAgent's events; `said` gains every whole item."""
    texts: dict[str, str] = {}
    for chunk in chunks:
        message = chunk.get("delta") or {}
        pieces = list(items(message))
        if message.get("role") == "assistant" and message.get("content"):
            id = pieces[0]["id"]
            texts[id] = texts.get(id, "") + plain_text(message["content"])
            yield {"type": "response.output_text.delta", "item_id": id, "delta": plain_text(message["content"])}
            pieces = pieces[1:]
        if pieces:
            yield from _done(texts, said)
        for one in pieces:
            said.append(one)
            yield {"type": "response.output_item.done", "item": one}
    yield from _done(texts, said)


def _done(texts: dict[str, str], said: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages that ended, whole."""
    for id in list(texts):
        item = create_text_output_item(text=texts.pop(id), id=id)
        said.append(item)
        yield {"type": "response.output_item.done", "item": item}
