"""The tools that an answer tells of: what was called with what, what came back, and what waits for a person's yes."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.jsons import parsed
from services.kinds.answers import plain_text, readable

CALLS = ("function_call", "mcp_call", "mcp_approval_request")
RESPONSE = "mcp_approval_response"
LONGEST = 2_000


@dataclass(frozen=True)
class ToolStep:
    """`output` is None while nothing came back; `asks`: the agent waits for a yes before it uses the tool.

    `allowed`: what a person said to that, once somebody did.
    """

    name: str
    given: str = ""
    output: str | None = None
    error: str = ""
    asks: bool = False
    place: str = ""
    id: str = ""
    allowed: bool | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def steps(items: Iterable[Any]) -> tuple[ToolStep, ...]:
    """In their order; the answer of a tool stands with its call."""
    listed = [one for one in items if isinstance(one, Mapping)]
    outputs = {str(one.get("call_id")): one for one in listed if one.get("type") == "function_call_output"}
    called = {str(one.get("call_id")) for one in listed if one.get("type") == "function_call"}
    said = {str(one.get("approval_request_id")): one.get("approve") for one in listed if one.get("type") == RESPONSE}
    told = [_step(one, outputs, said.get(str(one.get("id")))) for one in listed if one.get("type") in CALLS]
    alone = [_answer(one) for id, one in outputs.items() if id not in called]
    return (*told, *alone)


def approvals(items: Iterable[Any]) -> tuple[ToolStep, ...]:
    """The tools that wait for a yes or a no."""
    return tuple(one for one in steps(items) if one.asks)


def tool(name: str, given: Any, output: Any) -> ToolStep:
    """A tool as a span tells it."""
    return ToolStep(name, _given(given), _output(output))


def responses(items: Iterable[Any], allowed: bool) -> list[dict[str, Any]]:
    """A person's yes or no to all that waits for one, as the agent reads it."""
    return [{"type": RESPONSE, "approval_request_id": one.id, "approve": allowed} for one in approvals(items)]


def _step(item: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Any]], said: Any) -> ToolStep:
    requested = item["type"] == "mcp_approval_request"
    answer = outputs.get(str(item.get("call_id")), {}) if item["type"] == "function_call" else item
    return ToolStep(
        name=str(item.get("name") or "?"),
        given=_given(item.get("arguments")),
        output=None if requested else _output(answer.get("output")),
        error=_cut(str(item.get("error") or "")),
        asks=requested and said is None,
        place=str(item.get("server_label") or ""),
        id=str(item.get("id") or ""),
        allowed=bool(said) if requested and said is not None else None,
    )


def _answer(item: Mapping[str, Any]) -> ToolStep:
    return ToolStep(str(item.get("name") or "?"), output=_output(item.get("output")))


def _given(arguments: Any) -> str:
    """The arguments as lines; most agents write them as JSON."""
    found = _read(arguments)
    return "" if found in ({}, "", None) else _cut(readable(found))


def _output(output: Any) -> str | None:
    if output is None:
        return None
    if isinstance(output, list) and all(isinstance(one, dict) and "text" in one for one in output):
        return _cut(plain_text(output))
    return _cut(readable(_read(output)))


def _read(text: Any) -> Any:
    try:
        return parsed(text) if isinstance(text, str) else text
    except ValueError:
        return text


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
