"""Questions from traces: the newest, some at random, complaints, and whole conversations."""

import mlflow
import pytest
from mlflow.entities import AssessmentSource

from services.datasets import gathering
from services.datasets.gathering import Choice, How
from services.traces.opinions import give
from services.workspace import Workspace


def leave(
    workspace: Workspace, question: object, answer: str, session: str = "", error: bool = False, origin: str = "live"
) -> str:
    """A trace as a served ResponsesAgent leaves it."""
    messages = question if isinstance(question, list) else [{"role": "user", "content": question}]
    span = mlflow.start_span_no_context(
        "predict",
        inputs={"request": {"input": messages}},
        experiment_id=workspace.app.experiment_id,
        tags={"signalbox.origin": origin},
        metadata={"mlflow.trace.session": session} if session else {},
    )
    span.end(
        outputs={"output": [{"type": "message", "content": [{"type": "output_text", "text": answer}]}]},
        status="ERROR" if error else "OK",
    )
    mlflow.flush_trace_async_logging()
    return str(span.trace_id)


def asked(found: gathering.Harvest) -> list[str]:
    return [one.row.question for one in found.found]


@pytest.fixture
def traffic(workspace: Workspace) -> list[str]:
    left = [leave(workspace, f"Question {n}?", f"Answer {n}.") for n in range(6)]
    left.append(leave(workspace, "Question 0?", "Again."))
    left.append(leave(workspace, "Tried?", "By hand.", origin="try"))
    left.append(leave(workspace, "Broken?", "", error=True))
    return left


def test_the_newest_come_once_each_with_their_trace(workspace, traffic):
    found = gathering.gather(workspace, Choice(n=4))

    assert asked(found) == ["Broken?", "Question 0?", "Question 5?", "Question 4?"]
    assert found.found[1].row.source == traffic[6] and found.found[1].answer == "Again."
    assert found.matching == 8


def test_a_random_draw_is_the_same_each_time(workspace, traffic):
    first, again, other = (asked(gathering.gather(workspace, Choice(How.RANDOM, 3, seed=seed))) for seed in (1, 1, 2))

    assert first == again and len(first) == 3 and first != other


def test_conditions_narrow_the_choice(workspace, traffic):
    mlflow.log_feedback(trace_id=traffic[1], name="polite", value=False)
    give(workspace, traffic[2], False, "wrong")
    give(workspace, traffic[3], True)

    def fitting(**changes):
        return asked(gathering.gather(workspace, Choice(**changes)))

    assert fitting(failed_scorer="polite") == ["Question 1?"]
    assert fitting(complaint=True) == ["Question 2?"]
    assert fitting(errors=True) == ["Broken?"]
    assert fitting(text="answer 4") == ["Question 4?"]
    assert "Tried?" not in fitting() and "Tried?" in fitting(live_only=False)


def test_an_expectation_that_a_person_gave_is_taken_along(workspace, traffic):
    mlflow.log_expectation(
        trace_id=traffic[5], name="expected_response", value="Right.", source=AssessmentSource("HUMAN", "ada")
    )

    assert gathering.gather(workspace, Choice(text="Question 5")).found[0].row.expected == "Right."


def test_a_session_is_one_conversation(workspace):
    leave(workspace, "First?", "One.", session="a")
    leave(workspace, "Second?", "Two.", session="a")
    whole = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    leave(workspace, [*whole, {"role": "user", "content": "Now?"}], "Done.", session="b")
    leave(workspace, "Alone?", "No session.")

    found = {one.row.question: one for one in gathering.gather(workspace, Choice(How.SESSIONS, 5)).found}

    assert set(found) == {"Second?", "Now?"}
    said = [one["content"] for one in found["Second?"].row.messages]
    assert said == ["First?", "One.", "Second?"] and found["Second?"].answer == "Two."
    assert [one["content"] for one in found["Now?"].row.messages] == ["Hi", "Yes?", "Now?"]
