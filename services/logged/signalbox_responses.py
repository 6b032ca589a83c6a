"""Asks a model by OpenAI's Responses API, beside the logged agent; takes and gives what Chat Completions would."""

import json
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import openai

Reply = dict[str, Any]
SAME = ("model", "temperature", "top_p", "tool_choice")
ENDED = {"max_output_tokens": "length", "content_filter": "content_filter"}
TEXT, WHOLE = "response.output_text.delta", ("response.completed", "response.incomplete", "response.failed")


def whole(client: openai.OpenAI, arguments: dict[str, Any]) -> Reply:
    """The answer with the real reason of its end, the usage and the calls of tools."""
    return _reply(client.responses.create(**_asked(arguments)))


def pieces(client: openai.OpenAI, arguments: dict[str, Any]) -> Generator[str, None, Reply]:
    """The text as it is written; returns the same as `whole`."""
    with client.responses.create(**_asked(arguments), stream=True) as events:
        for event in events:
            if event.type == TEXT:
                yield event.delta
            elif event.type in WHOLE:
                return _reply(event.response)
    raise openai.OpenAIError("The model's stream ended before its answer was complete.")


def _asked(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of Chat Completions as those of the Responses API; nothing of it is stored at the provider."""
    if arguments.get("stop"):
        raise ValueError(
            "The Responses API knows no stop sequences. Take them out of the prompt version's settings, or log the "
            "agent with Chat Completions."
        )
    asked = {name: arguments[name] for name in SAME if name in arguments}
    asked |= {"input": list(_items(arguments["messages"])), "store": False}
    if "max_tokens" in arguments:
        asked["max_output_tokens"] = arguments["max_tokens"]
    if "response_format" in arguments:
        format = arguments["response_format"]
        asked["text"] = {"format": {"type": format["type"], **format.get("json_schema", {})}}
    if arguments.get("tools"):
        # Strict schemas allow no argument to be left out.
        asked["tools"] = [{"type": "function", "strict": False, **tool["function"]} for tool in arguments["tools"]]
    return asked


def _items(messages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for message in messages:
        if message["role"] == "tool":
            yield {
                "type": "function_call_output",
                "call_id": message["tool_call_id"],
                "output": message["content"],
            }
            continue
        if message.get("content"):
            yield {"role": message["role"], "content": message["content"]}
        elif not message.get("tool_calls"):
            yield {"role": message["role"], "content": ""}
        for call in message.get("tool_calls", ()):
            yield {"type": "function_call", "call_id": call["id"], **call["function"]}


def _reply(response: Any) -> Reply:
    if response.status == "failed":
        raise openai.OpenAIError(response.error.message if response.error else "The model's answer failed.")
    calls = [
        {"id": item.call_id, "name": item.name, "arguments": item.arguments or json.dumps({})}
        for item in response.output
        if item.type == "function_call"
    ]
    usage = response.usage
    return {
        "text": response.output_text,
        "finish_reason": _reason(response, calls),
        "usage": {}
        if usage is None
        else {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
        },
        "calls": calls,
    }


def _reason(response: Any, calls: list[dict[str, str]]) -> str:
    """In the words of Chat Completions, so that whoever reads them need not know how the model was asked."""
    if response.incomplete_details is not None:
        reason = str(response.incomplete_details.reason)
        return ENDED.get(reason, reason)
    if calls:
        return "tool_calls"
    return "stop" if response.status == "completed" else str(response.status or "unknown")
