"""What the HTTP answers of an endpoint mean, the gateway's and a workspace's."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from services import sources, unfinished
from services.errors import PlatformError
from services.jsons import parsed
from services.messages import Message
from services.platforms import Answer, Delta
from services.secrets import masked
from services.sources import Source

LONGEST_STEP = 200
AT_WORK = "response.mcp_call.in_progress"


def refused(endpoint: str, response: httpx2.Response) -> PlatformError:
    """The error that an operator reads when an endpoint answered with a status of 400 or more."""
    reason = reason_of(response)
    doing = Message(
        "{endpoint} did not answer ({status}): {reason}", endpoint=endpoint, status=response.status_code, reason=reason
    )
    return PlatformError(doing, _remedy(response.status_code), retryable=response.status_code in (429, 502, 503))


@contextmanager
def understood() -> Iterator[None]:
    """Around the reading of an answer: agents of others answer, and may do so in another shape than they should."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise PlatformError(
            Message("The answer of the endpoint cannot be read."),
            Message("Its agent must answer as MLflow's ResponsesAgent does: check it on the Agents screen."),
        ) from error


def reason_of(response: httpx2.Response) -> str:
    try:
        body = parsed(response.content)
        told = body["error"]["message"] if "error" in body else body.get("message") or body["detail"]
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase
    return masked(str(told))[:300]


def _remedy(status: int) -> Message:
    if status == 503:
        return Message("Open the Endpoints screen: it says what each version is waiting for.")
    if status == 429:
        return Message("Wait a minute and try again, or raise the model's rate limit.")
    if status == 502:
        return Message("Check that the model is running and that its key is right.")
    return Message("Open the newest traces of the app: the failed one shows where it stopped.")


def answer(body: bytes, seconds: float) -> Answer:
    """One whole answer; raises PlatformError for what is none."""
    with understood():
        return _answer(parsed(body), seconds)


def _answer(body: Mapping[str, Any], seconds: float) -> Answer:
    facts = body.get("custom_outputs") or {}
    prompt = facts.get("prompt") or {}
    return Answer(
        text=_text(body.get("output", [])),
        trace_id=_trace_id(body),
        prompt_name=prompt.get("name"),
        prompt_version=prompt.get("version"),
        model=facts.get("model"),
        seconds=seconds,
        usage=facts.get("usage") or {},
    )


def _trace_id(body: Mapping[str, Any]) -> str | None:
    """In the answer's metadata, or in the trace that a workspace returns when it is asked for it."""
    trace = (body.get("databricks_output") or {}).get("trace") or {}
    told = (body.get("metadata") or {}).get("trace_id") or trace.get("info", {}).get("trace_id")
    return str(told) if told else None


def _text(items: Sequence[Mapping[str, Any]]) -> str:
    parts = [part for item in items if item.get("type") == "message" for part in item.get("content", [])]
    return "".join(str(part.get("text") or "") for part in parts)


def deltas(lines: Iterator[str]) -> Iterator[Delta]:
    """Text as it comes; an item that was never streamed in pieces arrives whole. Raises PlatformError."""
    with understood():
        yield from _deltas(lines)


def _deltas(lines: Iterator[str]) -> Iterator[Delta]:
    trace_id, error, cut, seen = None, None, False, set()
    told: tuple[Source, ...] = ()
    for event in _events(lines):
        kind = event.get("type")
        if kind == "response.output_text.delta":
            seen.add(event.get("item_id"))
            yield Delta(str(event["delta"]))
        elif kind == AT_WORK:
            yield Delta(progress=progress(event))
        elif kind == "response.output_item.done" and event["item"].get("type", "message") != "message":
            yield Delta(items=(event["item"],))
        elif kind == "response.output_item.done" and event["item"].get("id") not in seen:
            yield Delta(_text([event["item"]]))
        cut = cut or _cut(event)
        told = sources.read(event.get("custom_outputs")) or told
        trace_id = event.get("trace_id") or _trace_id(event) or trace_id
        error = (event.get("databricks_output") or {}).get("error") or event.get("error") or error
    yield Delta(done=True, trace_id=trace_id, error=_broken(error), cut=cut, sources=told)


def _cut(event: Mapping[str, Any]) -> bool:
    """As the built-in agent says it beside the answer, an item of itself, or the whole response at its end."""
    item = event.get("item")
    ended = isinstance(item, dict) and item.get("type") == "message" and item.get("status") == "incomplete"
    return ended or unfinished.was_cut(event.get("custom_outputs")) or unfinished.was_cut(event.get("response"))


def progress(event: Mapping[str, Any]) -> str:
    """How far a tool has come, as it tells it itself: a part of a whole, and words."""
    done, whole, words = event.get("progress"), event.get("total"), str(event.get("message") or "")[:LONGEST_STEP]
    part = f"{done:g} / {whole:g}" if isinstance(done, int | float) and isinstance(whole, int | float) else ""
    return ": ".join(one for one in (part, words) if one)


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data:") and line.strip() != "data: [DONE]":
            yield parsed(line.removeprefix("data:"))


def _broken(error: Any) -> Message | None:
    if error is None:
        return None
    reason = error.get("message", "") if isinstance(error, dict) else str(error)
    return Message("The answer broke off: {reason}", reason=reason)
