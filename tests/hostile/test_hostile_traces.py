"""Traces that any program may write beside ours: each is told and charted, and none hides the others."""

import json
import time

import mlflow
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.entities import (
    AssessmentSource,
    Feedback,
    Span,
    Trace,
    TraceData,
    TraceInfo,
    TraceLocation,
    TraceState,
)

from services import traces
from services.apps import Places
from services.messages import Message, render, stored
from services.readmodel import TraceQuery, facts
from services.readmodel.api_history import ApiHistory
from services.readmodel.sql_history import SqlHistory, engine_of
from services.traces import prompt_use, rows, story
from services.traces.rows import LINKS, USAGE
from tests.hostile.shapes import DEEP, halved, texts, values
from tests.left_traces import leave

KEYS = (LINKS, USAGE, facts.COST, facts.SESSION, facts.USER, facts.MODEL, "signalbox.origin", "mlflow.sourceRun")
words = st.dictionaries(st.sampled_from(KEYS), texts | values.map(json.dumps), max_size=len(KEYS))
HALF = '{"output": [{"type": "message", "content": [{"text": "cut \\ud83d"}]}]}'


def info(tags: dict[str, str], preview: str | None = None, at: int = 1_700_000_000_000, **given: object) -> TraceInfo:
    return TraceInfo(
        trace_id="tr-1",
        trace_location=TraceLocation.from_experiment_id("1"),
        request_time=at,
        state=TraceState.OK,
        request_preview=preview,
        response_preview=preview,
        trace_metadata=tags,
        tags=tags,
        **given,
    )


@given(words, halved | values.map(json.dumps))
@example({LINKS: "{"}, "{")
@example(
    {LINKS: '[{"name": 1}, 3, {"name": "a", "version": "9999999999999"}, {"name": "\\ud800", "version": 1}]'}, HALF
)
@example({USAGE: '{"total_tokens": 1e400}', facts.COST: '{"total_cost": NaN}'}, DEEP)
@example({USAGE: "[]", facts.COST: '{"total_cost": -1}'}, '{"output": 3, "request": {"input": 7}}')
def test_any_tags_and_previews_are_a_fact_that_can_be_kept(tags, preview):
    fact = facts.from_info(info(tags, preview))
    assert all(isinstance(name, str) and 0 <= version < 10**9 for name, version in fact.prompts)
    assert all(one is None or 0 <= one < 1 << 53 for one in (fact.tokens, fact.tokens_in, fact.tokens_out, fact.cost))
    json.dumps([fact.prompts, fact.user]).encode()
    if preview.startswith("{"):
        (fact.question + fact.answer).encode()
    rows.row_of(info(tags, preview))


@given(values)
def test_any_verdict_counts_or_does_not(value):
    counted = facts.number(value)
    assert counted is None or abs(counted) < float("inf")


def span(inputs: object, outputs: object, attributes: dict[str, object], kind: str) -> Span:
    told = {"mlflow.spanInputs": inputs, "mlflow.spanOutputs": outputs, "mlflow.spanType": kind, **attributes}
    told |= {"mlflow.traceRequestId": "tr-1"}
    return Span.from_dict(
        {
            "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==",
            "span_id": "AAAAAAAAAAE=",
            "parent_span_id": None,
            "name": "predict",
            "start_time_unix_nano": 1,
            "end_time_unix_nano": 2,
            "status": {"code": "STATUS_CODE_ERROR", "message": ""},
            "attributes": {name: json.dumps(value) for name, value in told.items()},
            "events": [],
            "links": [],
        }
    )


@given(
    values,
    values | st.lists(values, max_size=3).map(lambda items: {"output": items}),
    st.dictionaries(st.sampled_from(["mlflow.chat.tokenUsage", "mlflow.llm.model", LINKS, "finish_reason"]), values),
    st.sampled_from(["AGENT", "TOOL", "CHAT_MODEL", "RETRIEVER"]),
)
@example(
    {"input": [{"role": "user"}]},
    {"output": [{"type": "function_call", "call_id": [], "arguments": DEEP}]},
    {},
    "AGENT",
)
@example({"input": 3}, {"abandoned_after": "\ud800"}, {"mlflow.chat.tokenUsage": [1], LINKS: "{"}, "CHAT_MODEL")
def test_any_span_is_told_as_a_story(inputs, outputs, attributes, kind):
    trace = Trace(info({LINKS: "?"}), TraceData([span(inputs, outputs, attributes, kind)]))
    told = story.told(trace, Places())
    (told.question + told.answer).encode()
    assert [str(step.what) for step in told.steps]
    prompt_use.prompt_version(trace, "support")
    prompt_use.prompt_seen(trace, "Be polite. {{question}}")


@pytest.mark.parametrize(
    "reason",
    [
        '{"id": "{x:>9999999999}", "values": {"x": "a"}}',
        '{"id": "{x.__class__.__init__.__globals__}", "values": {"x": "a"}}',
        '{"id": "{missing} {n:one|many}", "values": {}}',
        '{"id": 3, "values": {"x": {"id": "a", "values": {}}}}',
        '{"id": "a"}', "[]", "{", DEEP,
    ],
)  # fmt: skip
def test_a_reason_that_somebody_left_reaches_nothing(reason):
    given = Feedback(
        name="a", value=True, source=AssessmentSource("CODE", "x"), rationale="R", metadata={story.REASON_KEY: reason}
    )
    told = story.told(Trace(info({}, assessments=[given]), TraceData([])), Places()).verdicts[0].reason
    said = render(told, "ja")
    assert len(said) < 100 and "class '" not in said


def test_our_own_reasons_are_still_told():
    message = Message("{doing}: {reason}.", doing=Message("Saving the prompt"), reason="{x}")
    assert stored(json.dumps(message.to_json())) == message
    assert str(message) == "Saving the prompt: {x}."


@given(texts)
@example("{{" * 20_000)
@example("[" * 20_000)
def test_any_template_is_looked_for_in_bounded_time(template):
    assert prompt_use.prompt_seen(Trace(info({}), TraceData([])), template) is False


def test_no_trace_hides_the_others(workspace):
    """Tags that are no JSON, half of a character in a preview, and a time that no chart reaches."""
    fine = leave(workspace, "Where?", "Here.")
    odd = leave(workspace, "Odd?", "Odd.", prompt="{", hours_ago=0.01)
    now = int(time.time() * 1000)
    for name, preview, at in (("tr-half", HALF, now - 60_000), ("tr-late", "Late?", 253_000_000_000_000)):
        made = info({"signalbox.origin": "live"}, preview, at)
        made.trace_id, made.trace_location = name, TraceLocation.from_experiment_id(workspace.app.experiment_id)
        workspace.client._tracing_client.store.start_trace(made)

    found = {row.trace_id for row in traces.find(workspace, TraceQuery()).rows}

    assert found == {fine, odd, "tr-half"}
    assert traces.get(workspace, odd).answer == "Odd."
    both = (SqlHistory(engine_of(workspace.settings.tracking_uri)), ApiHistory())
    assert [len(one.prints(workspace, 0)) for one in both] == [
        len(one.prints(workspace, now - 86_400_000)) for one in both
    ]
    mlflow.log_feedback(trace_id=fine, name="polite", value=True, metadata={story.REASON_KEY: "{"})
    assert traces.get(workspace, fine).verdicts[0].reason == ""
