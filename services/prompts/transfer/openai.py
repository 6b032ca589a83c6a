"""OpenAI's reusable prompts as the dashboard's code view and the Responses API show them."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from services.errors import InvalidInputError
from services.jsons import parsed
from services.messages import Message
from services.prompts.transfer.parcel import Incoming, IncomingPrompt, Parcel, messages, settings

NAMES = {"model": "model_name", "max_output_tokens": "max_tokens", "max_completion_tokens": "max_tokens", "stop": "stop_sequences"}  # fmt: skip
SETTINGS = frozenset({"model", "temperature", "top_p", "max_output_tokens", "max_tokens", "max_completion_tokens", "stop"})  # fmt: skip
CALL = re.compile(r"\b(?:responses|completions)\.create\(")


def from_code(text: str) -> dict[str, Any] | None:
    """The arguments of a call in Python, or the body of a curl command, as the dashboard shows them; else None."""
    if "curl " in text and "{" in text:
        return _object(text[text.index("{") : text.rfind("}") + 1])
    if not CALL.search(text):
        return None
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.keywords]
        made = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "create"]
        return {one.arg: ast.literal_eval(one.value) for one in made[0].keywords if one.arg} if made else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_mine(stored: Any) -> bool:
    return isinstance(stored, Mapping) and bool({"instructions", "input", "messages", "prompt"} & set(stored))


def read(stored: Mapping[str, Any]) -> Parcel:
    """Raises InvalidInputError for a call that only names the prompt, whose text stays in the dashboard."""
    said = _messages(stored)
    reference = stored.get("prompt")
    id = str(reference.get("id") or reference.get("prompt_id") or "") if isinstance(reference, Mapping) else ""
    if not said:
        raise InvalidInputError(
            Message("This call only names the prompt {id}; its text is not in it.", id=id or "–"),
            Message("Open the prompt in OpenAI's dashboard, show its code without the reference, and paste that, or paste the text."),
        )  # fmt: skip
    kept, left_out = messages(said)
    schema = _schema(stored)
    named = stored.get("tools") if isinstance(stored.get("tools"), list) else []
    tools = [Message("Tools and functions are not part of a prompt here: {n} left out.", n=len(named))] if named else []
    template = kept[0].content if len(kept) == 1 and kept[0].role == "system" else kept
    chosen = {key: value for key, value in stored.items() if key in SETTINGS}
    version = Incoming(
        template=template,
        settings=settings(chosen, NAMES),
        response_format=schema,
        labels={"origin": id} if id else {},
        left_out=(*left_out, *tools),
    )
    return Parcel("OpenAI", (IncomingPrompt(str(stored.get("name") or ""), (version,)),))


def _messages(stored: Mapping[str, Any]) -> list[Any]:
    told = stored.get("instructions") or []
    asked = stored.get("input") or stored.get("messages") or []
    first = [{"role": "system", "content": told}] if isinstance(told, str) else list(told)
    return first + ([{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked))


def _schema(stored: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON schema of the answer, in the Responses API's form or in that of Chat Completions."""
    format = (stored.get("text") or {}).get("format") or stored.get("response_format") or {}
    if format.get("type") == "json_object":
        return {"type": "json_object"}
    found = format.get("schema") or (format.get("json_schema") or {}).get("schema")
    return found if isinstance(found, Mapping) else None


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = parsed(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
