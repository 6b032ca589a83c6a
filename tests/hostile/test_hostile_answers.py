"""What models, agents, endpoints and judges say: shown, scored or refused, and never able to stop the console."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services import kinds, scorers, sources, wording
from services.datasets import proposing
from services.datasets.row import LONGEST_QUESTION
from services.errors import PlatformError
from services.kinds.answers import as_event, as_response, readable
from services.platforms import wire
from services.processes import web
from services.processes.gateway import routing
from services.processes.version import agent
from services.processes.version.server import _written
from services.processes.web import Refused
from services.scorers.json_form import json_form
from services.secrets import masked
from tests.hostile.shapes import DEEP, halved, objects, texts, values

ITEM = (
    "type",
    "id",
    "call_id",
    "name",
    "arguments",
    "output",
    "content",
    "approve",
    "approval_request_id",
    "error",
    "role",
)
items = st.lists(
    objects(*ITEM) | values
    | st.fixed_dictionaries({"type": st.sampled_from([*kinds.steps.__globals__["CALLS"], "function_call_output", "message"])}, optional=dict.fromkeys(ITEM[1:], values)),
    max_size=4,
)  # fmt: skip
EVENT = (
    "type",
    "item",
    "delta",
    "item_id",
    "custom_outputs",
    "trace_id",
    "databricks_output",
    "metadata",
    "output",
    "progress",
)
SLOW = (
    "\n" * 20_000 + "x",
    "あ" + " " * 20_000 + "い",
    "[" * 20_000,
    "-eyJ" * 10_000,
    "-----BEGIN " * 10_000,
    "{{" * 20_000,
    DEEP,
)


@given(items)
@example(
    [{"type": "function_call", "call_id": [1], "arguments": DEEP}, {"type": "function_call_output", "call_id": {}}]
)
def test_any_answer_is_told(output):
    told = kinds.steps(output)
    assert all(isinstance(one.name, str) and len(one.given) <= 2_000 for one in told)
    assert isinstance(kinds.answer_text({"output": output}), str)
    assert isinstance(scorers.answer_text({"output": output}), str)
    assert all(one["approve"] is False for one in kinds.responses(output, False))


@given(values)
def test_whatever_an_agent_returns_is_an_answer(returned):
    assert isinstance(as_response(returned)["output"], list)
    assert isinstance(as_event(returned), dict)
    _written(as_response(returned)).encode()


def test_depth_is_no_way_to_fall():
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep, {}]
    assert readable(deep)


@given(st.lists(objects(*EVENT) | values, max_size=4) | st.just(None), halved)
@example([{"type": "response.output_text.delta"}], "")
@example([{"type": "response.mcp_call.in_progress", "progress": 10**400, "total": 1}], "")
@example([{"type": "response.output_item.done", "item": 3}], "data: {")
def test_any_stream_is_an_answer_or_a_sentence(events, line):
    lines = [line, *(f"data: {json.dumps(event)}" for event in events or [])]
    try:
        told = list(wire.deltas(iter(lines)))
    except PlatformError as error:
        assert "cannot be read" in str(error)
    else:
        assert told[-1].done and all(isinstance(one.text, str) for one in told)


@given(values.map(json.dumps) | halved)
@example('{"output": [{"type": "message", "content": [{"text": {}}]}], "custom_outputs": []}')
@example(DEEP)
def test_any_body_is_an_answer_or_a_sentence(body):
    try:
        assert isinstance(wire.answer(body.encode("utf-8", "replace"), 0.1).text, str)
    except PlatformError as error:
        assert "cannot be read" in str(error)


@given(values | objects("input", "messages", "custom_inputs", "context", "stream"))
@example({"input": ["x"]})
@example({"input": [], "custom_inputs": 3})
@example({"input": "cut \ud83d", "context": {"conversation_id": "\ud83d"}})
def test_any_request_is_taken_or_refused_plainly(sent):
    try:
        body = web._object(json.dumps(sent).encode())
        routing.choose([routing.Target(1, 1, 100, "")], "support", routing.conversation_of(body))
        request = agent.normalised(body)
    except Refused as error:
        assert error.status == 400
    else:
        assert all(isinstance(one, dict) for one in request["input"])
        json.dumps(request, ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [DEEP.encode(), b"\xff", b"", b"[]", b'{"a":' + b"9" * 5_000 + b"}"])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(Refused) as refused:
        web._object(body)
    assert refused.value.status == 400


@pytest.mark.parametrize("text", SLOW, ids=lambda text: repr(text[:12]))
def test_a_long_answer_takes_no_longer_than_another_of_its_length(text):
    """Each took seconds to minutes of the processor once; their length may grow hundredfold in real life."""
    began = time.process_time()
    wording.polite(text)
    wording.safe(text)
    proposing.questions(text)
    masked(text)
    json_form(text, {"fields": []})
    assert time.process_time() - began < 5


@given(halved)
@example('["a\\ud800", 3, null]')
@example("[" * 2_000 + "]" * 2_000)
def test_any_answer_is_a_list_of_questions(answer):
    assert all(one.strip() and len(one) <= LONGEST_QUESTION for one in proposing.questions(answer))


@given(st.text(st.sampled_from("abc \n"), max_size=30), texts)
def test_a_key_never_survives(before, after):
    key = "sk-" + "a1B2" * 10
    assert key not in masked(f"{before} {key} {after}")


@given(st.fixed_dictionaries({"sources": st.lists(objects("title", "doc_uri", "key") | values, max_size=3) | values}))
@example({"sources": [{"title": "a", "doc_uri": "javascript:alert(1)"}, {"title": "b", "doc_uri": "http://[::1"}]})
def test_a_source_leads_to_the_web_or_nowhere(facts):
    for one in sources.read(facts):
        assert one.link is None or one.link.startswith(("http://", "https://", "HTTP"))
