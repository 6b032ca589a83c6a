"""An answer that the limit of tokens ended is known as one, whichever provider says it."""

import json

import pytest

from services.platforms import wire
from services.unfinished import was_cut


@pytest.mark.parametrize(
    "told",
    [
        {"choices": [{"message": {"content": "The par"}, "finish_reason": "length"}]},
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []},
        {"type": "message", "stop_reason": "max_tokens", "content": []},
        {"generations": [[{"text": "The par", "generation_info": {"finish_reason": "MAX_TOKENS"}}]]},
        [{"messages": [{"response_metadata": {"finish_reason": "length"}}]}],
    ],
    ids=["chat", "responses", "messages", "generations", "graph"],
)
def test_each_provider_says_it_in_its_own_words(told):
    assert was_cut(told)
    assert not was_cut(json.loads(json.dumps(told).replace("length", "stop").lower().replace("max_", "no_")))


def test_what_is_no_answer_is_not_cut():
    deep = {"finish_reason": "length"}
    for _ in range(1000):
        deep = {"message": deep}
    assert not any(map(was_cut, (None, "length", 3, {"finish_reason": None}, {"incomplete_details": "length"}, deep)))
    assert not was_cut({"question": "What does finish_reason length mean?"})
    assert not was_cut({"tool_result": {"stop_reason": "length"}, "output": []})


@pytest.mark.parametrize(
    ("event", "cut"),
    [
        (
            {"type": "response.output_item.done", "item": {"type": "message", "status": "incomplete", "content": []}},
            True,
        ),
        ({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}, True),
        ({"type": "response.output_item.done", "item": {"type": "message", "content": []}}, False),
        ({"type": "response.completed", "response": {"incomplete_details": None}, "custom_outputs": None}, False),
    ],
)
def test_a_stream_of_somebody_elses_agent_says_that_it_was_cut(event, cut):
    *_, last = wire.deltas(iter([f"data: {json.dumps(event)}", "data: [DONE]"]))
    assert last.done and last.cut is cut
