"""Traces: origins, lists, stories, and which prompt really reached the model."""

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import AssessmentError, AssessmentSource, Feedback
from mlflow.entities.trace_location import MlflowExperimentLocation
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

from services import apps, traces
from services.apps import AppForm
from services.errors import NotFoundError, PlatformError
from services.messages import Message
from services.traces import TraceQuery, rows
from tests.left_traces import leave, leave_one_of_each

TEMPLATE = "{{tone}} You are the assistant of {{company_name}}, and you answer politely in one sentence. {{question}}"


def ids(found):
    return {row.trace_id for row in found.rows}


def test_live_is_what_is_tagged_or_neither_tagged_nor_evaluated(workspace):
    left = leave_one_of_each(workspace)

    assert ids(traces.find(workspace, TraceQuery())) == {left["live"], left["live, untagged"]}
    assert ids(traces.find(workspace, TraceQuery(origin="evaluation"))) == {
        left["evaluation"],
        left["evaluation, untagged"],
    }
    assert ids(traces.find(workspace, TraceQuery(origin="probe"))) == {left["probe"]}
    assert ids(traces.find(workspace, TraceQuery(origin="staging"))) == {left["staging, asked there"]}
    assert ids(traces.find(workspace, TraceQuery(origin=None))) == set(left.values())


def test_an_unknown_origin_hides_nothing(workspace):
    left = leave(workspace, origin="whatever")
    assert ids(traces.find(workspace, TraceQuery())) == {left}


def test_lists_are_paged_newest_first(workspace):
    left = [leave(workspace, hours_ago=hours) for hours in (3, 2, 1)]

    first = traces.find(workspace, TraceQuery(limit=2))
    assert [row.trace_id for row in first.rows] == left[:0:-1]
    assert first.more
    second = traces.find(workspace, TraceQuery(limit=2, before=first.older))
    assert [row.trace_id for row in second.rows] == left[:1]
    assert not second.more


def test_what_arrives_while_pages_are_read_makes_no_trace_appear_twice(workspace, monkeypatch):
    monkeypatch.setattr(rows, "PAGE", 2)
    before = [leave(workspace, f"Question {number}?", hours_ago=1 - number / 10) for number in range(5)]
    reading = rows.each(workspace, "timestamp_ms > 0")
    read = [next(reading).info.trace_id]
    for number in range(3):
        leave(workspace, f"A new one {number}?")
    read += [trace.info.trace_id for trace in reading]
    assert len(set(read)) == len(read) and set(before) <= set(read)
    assert len(list(rows.read_infos(workspace, 24, 3))) == 3


def test_filters_find_words_errors_and_failed_verdicts(workspace):
    fine = leave(workspace, "配送はいつですか", "Tomorrow.")
    broken = leave(workspace, "Hello", "", error=True)
    rude = leave(workspace, "Hi", "No.")
    mlflow.log_feedback(trace_id=rude, name="polite", value=False)
    mlflow.log_feedback(trace_id=fine, name="polite", value=True)

    assert ids(traces.find(workspace, TraceQuery(text="配送"))) == {fine}
    assert ids(traces.find(workspace, TraceQuery(text="tomorrow"))) == {fine}
    assert ids(traces.find(workspace, TraceQuery(state="ERROR"))) == {broken}
    assert ids(traces.find(workspace, TraceQuery(scorer="polite"))) == {rude}
    assert ids(traces.find(workspace, TraceQuery(version="m-2"))) == set()
    assert ids(traces.find(workspace, TraceQuery(hours=0.0001))) <= {fine, broken, rude}


@pytest.mark.parametrize("reason", ["length", "stop"])
def test_an_answer_of_somebody_elses_agent_that_was_cut_is_told_as_cut(workspace, reason):
    place = MlflowExperimentLocation(workspace.app.experiment_id)
    with mlflow.start_span("graph", span_type="AGENT", trace_destination=place) as root:
        root.set_inputs({"question": "Where?"})
        with mlflow.start_span("chat", span_type="CHAT_MODEL") as call:
            call.set_outputs({"choices": [{"message": {"content": "The par"}, "finish_reason": reason}]})
        root.set_outputs({"answer": "The par"})
    mlflow.flush_trace_async_logging()
    assert traces.get(workspace, root.trace_id).cut is (reason == "length")


def test_a_trace_is_told_as_a_story(workspace):
    id = leave(workspace, "Where?", "Here.", prompt='[{"name": "support", "version": "3"}]')
    reason = Message("Too short: {n} characters.", n=5)
    mlflow.log_assessment(
        id,
        Feedback(
            name="length",
            value=False,
            source=AssessmentSource("CODE", "signalbox/length"),
            metadata={
                "signalbox.version": "2",
                "signalbox.reason": '{"id": "Too short: {n} characters.", "values": {"n": 5}}',
            },
        ),
    )
    mlflow.log_assessment(id, Feedback(name="judge", error=AssessmentError("SCORER_ERROR", "no judge")))

    story = traces.get(workspace, id)

    assert (story.question, story.answer, story.model) == ("Where?", "Here.", "practice")
    assert story.row.prompts == (("support", 3),)
    assert (story.row.seconds, story.row.tokens) == (0.5, 10)
    assert [(step.depth, str(step.what)) for step in story.steps] == [
        (0, "The agent answered the question."),
        (1, "Asked the model practice: 7 tokens in, 3 tokens out."),
    ]
    judge, length = story.verdicts
    assert (judge.value, judge.error) == (None, "no judge")
    assert (length.value, length.reason, length.version) == (False, reason, "2")


def test_what_a_failed_scorer_said_is_told_unless_it_gave_a_reason(workspace):
    id = leave(workspace)
    mlflow.log_feedback(trace_id=id, name="coded", error=AssessmentError("RATE_LIMIT_EXCEEDED"))
    mlflow.log_feedback(trace_id=id, name="told", error=AssessmentError("GONE", "no judge"), rationale="Ask later.")
    mlflow.log_feedback(trace_id=id, name="well", value=True)
    said = {one.scorer: (one.error, one.own_words) for one in traces.get(workspace, id).verdicts}
    assert said == {
        "coded": ("RATE_LIMIT_EXCEEDED", "RATE_LIMIT_EXCEEDED"),
        "told": ("no judge", ""),
        "well": (None, ""),
    }


@pytest.mark.parametrize(
    "inputs",
    [
        {"request": {"input": [{"role": "user", "content": "いつ届きますか？"}]}},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "いつ届きますか？"}]}]},
        {"request": {"input": "いつ届きますか？"}},
        {"messages": [{"role": "user", "content": "Hello"}, {"role": "user", "content": "いつ届きますか？"}]},
        "いつ届きますか？",
    ],
)
def test_the_question_is_read_in_every_shape_of_a_request(workspace, inputs):
    root = mlflow.start_span_no_context("predict", inputs=inputs, experiment_id=workspace.app.experiment_id)
    root.end(outputs="Morgen.")
    mlflow.flush_trace_async_logging()
    assert traces.get(workspace, root.trace_id).question == "いつ届きますか？"
    assert traces.find(workspace, TraceQuery()).rows[0].question == "いつ届きますか？"


def test_a_failed_step_says_what_went_wrong(workspace):
    story = traces.get(workspace, leave(workspace, error=True))
    assert str(story.steps[0].what) == "The agent failed at the question."
    assert not story.row.ok
    assert story.steps[1].error == "The model is busy."


def test_a_trace_of_another_app_is_not_shown(bare_workspace, workspace):
    other = apps.create(bare_workspace, AppForm(id="other", name="Other", company="", model="m", endpoint="other"))
    id = leave(workspace)
    with pytest.raises(NotFoundError):
        traces.get(workspace.for_app(other), id)
    with pytest.raises(NotFoundError):
        traces.get(workspace, "tr-missing")


def test_the_loaded_prompt_version_is_read_from_the_trace(workspace):
    one = mlflow.get_trace(
        leave(workspace, prompt='[{"name": "support", "version": "3"}, {"name": "x", "version": "1"}]')
    )
    assert traces.prompt_version(one, "support") == 3
    assert traces.prompt_version(one, "absent") is None
    two = mlflow.get_trace(leave(workspace, prompt='[{"name": "a", "version": "1"}, {"name": "a", "version": "2"}]'))
    assert traces.prompt_version(two, "a") is None


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("Friendly. You are the assistant of Acme, and you answer politely in one sentence. Where?", True),
        ("x You are the assistant of Acme,\n and you answer  politely in one sentence. y", True),
        ("You are a helpful assistant.", False),
        ("", False),
    ],
)
def test_a_prompt_is_seen_when_its_longest_words_reach_the_model(workspace, sent, seen):
    assert traces.prompt_seen(mlflow.get_trace(leave(workspace, sent=sent)), TEMPLATE) is seen


def test_chat_prompts_are_looked_for_by_message(workspace):
    template = '[{"role": "system", "content": "Answer \\"briefly\\" and politely."}, {"role": "user", "content": "{{question}}"}]'
    trace = mlflow.get_trace(leave(workspace, sent='Answer "briefly" and politely.'))
    assert traces.prompt_seen(trace, template)


def test_a_trace_that_never_comes_is_none(workspace):
    assert traces.wait_for(workspace, "tr-missing", 0.3) is None
    id = leave(workspace)
    assert traces.wait_for(workspace, id).info.trace_id == id


def test_a_store_that_is_busy_for_a_moment_is_asked_again_for_a_trace(workspace, monkeypatch):
    id, read, busy = leave(workspace), MlflowClient.get_trace, iter(range(3))

    def get_trace(*arguments):
        if next(busy, None) is not None:
            raise MlflowException("overloaded", TEMPORARILY_UNAVAILABLE)
        return read(*arguments)

    monkeypatch.setattr(MlflowClient, "get_trace", get_trace)
    with pytest.raises(PlatformError):
        traces.wait_for(workspace, id, 0.01)
    assert traces.wait_for(workspace, id).info.trace_id == id
