"""What people add to an evaluation: verdicts beside the scorers', preferences without names."""

from dataclasses import replace

import mlflow
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType

from services import audit, traces
from services.errors import ForbiddenError, InvalidInputError, NotFoundError
from services.evaluations import corrections, preferences
from services.evaluations.preferences import Result
from services.people import Actor, Role


def someone(workspace, name, *roles):
    return replace(workspace, actor=Actor(name, frozenset(roles)))


@pytest.fixture
def answered(workspace):
    """The trace of an answer that a scorer let pass."""
    where = mlflow.entities.trace_location.MlflowExperimentLocation(workspace.app.experiment_id)
    mlflow.tracing.set_destination(where, context_local=True)
    with mlflow.start_span("answer") as span:
        span.set_inputs({"input": [{"role": "user", "content": "Where is my parcel?"}]})
    mlflow.flush_trace_async_logging()
    judge = AssessmentSource(AssessmentSourceType.LLM_JUDGE, "judge")
    mlflow.log_feedback(trace_id=span.trace_id, name="polite", value=True, rationale="It thanks.", source=judge)
    return span.trace_id


def test_a_persons_verdict_stands_beside_the_scorers(workspace, answered):
    corrections.give(workspace, answered, "polite", False, "It is curt.")
    corrections.give(workspace, answered, "polite", False, " It is very curt. ")

    [said] = corrections.of(workspace, answered)
    assert (said.scorer, said.value, said.why, said.actor) == ("polite", False, "It is very curt.", "ada")
    story = traces.get(workspace, answered)
    assert story.row.scores == {"polite": True}
    assert [(one.scorer, one.value) for one in story.verdicts] == [("polite", True), ("polite", False)]
    line = audit.events(workspace)[0]
    assert (line.verb, line.subject, line.outcome, line.why) == ("correct_judge", answered, "done", "It is very curt.")


def test_a_verdict_needs_a_reason_a_trace_and_a_reviewer(workspace, answered):
    with pytest.raises(InvalidInputError, match="needs a reason"):
        corrections.give(workspace, answered, "polite", False, " ")
    with pytest.raises(NotFoundError, match="trace is gone"):
        corrections.give(workspace, "tr-gone", "polite", False, "why")
    with pytest.raises(ForbiddenError):
        corrections.give(someone(workspace, "eve", Role.VIEWER), answered, "polite", False, "why")
    assert corrections.of(workspace, answered) == [] and corrections.of(workspace, "tr-gone") == []


def test_blind_choices_are_kept_per_person_and_summed_up(workspace):
    bob = someone(workspace, "bob", Role.REVIEWER)
    for number in range(6):
        preferences.prefer(workspace, "new", "old", f"r{number}", "new")
    preferences.prefer(bob, "new", "old", "r0", "old")
    preferences.prefer(bob, "new", "old", "r1", "old")
    preferences.prefer(bob, "new", "old", "r1", None)

    assert preferences.judged(bob, "new", "old") == {"r0", "r1"}
    # The two differ on r0; the other five are for the new one: two-sided 2 / 2**5.
    assert preferences.result(workspace, "new", "old") == Result(5, 0, 1, 2, 0.0625, 8)
    assert preferences.result(workspace, "old", "new") == Result(0, 5, 1, 2, 0.0625, 8)
    assert "Cannot tell" in str(preferences.sentence(preferences.result(workspace, "new", "old")))
    with pytest.raises(InvalidInputError):
        preferences.prefer(workspace, "new", "old", "r0", "another")
    assert "prefer the old answers: on 9 questions" in str(preferences.sentence(Result(0, 9, 2, 1, 2 * 0.5**9)))


def test_people_who_judge_the_same_question_are_no_further_evidence(workspace):
    for actor in ("ada", "bob", "eve"):
        for number in range(3):
            preferences.prefer(someone(workspace, actor, Role.REVIEWER), "new", "old", f"r{number}", "new")

    found = preferences.result(workspace, "new", "old")

    assert found == Result(3, 0, 0, 3, 0.25, 9)
    assert "Cannot tell: the new answer is preferred on 3 questions" in str(preferences.sentence(found))


def test_sides_and_order_are_drawn_for_each_person(workspace):
    ids = [f"r{number}" for number in range(60)]
    bob = someone(workspace, "bob", Role.REVIEWER)
    order = preferences.order(workspace, "new", "old", ids)
    assert sorted(order) == sorted(ids) and order != ids and order != preferences.order(bob, "new", "old", ids)
    sides = [preferences.swapped(workspace, "new", "old", id) for id in ids]
    assert 15 < sum(sides) < 45
    assert sides == [preferences.swapped(workspace, "new", "old", id) for id in ids]
    assert sides != [preferences.swapped(bob, "new", "old", id) for id in ids]
