"""Trying a scorer on stored answers, judging them twice, and how far a judge can be trusted."""

import json
from collections.abc import Callable

import mlflow
import pandas as pd
import pytest
from mlflow.entities import AssessmentError, AssessmentSource, Feedback, Trace

from services import datasets, jobs, scorers
from services.datasets import Row
from services.errors import ForbiddenError, InvalidInputError
from services.evaluations import corrections
from services.evaluations.table import SUMMARY_TAG
from services.jobs import Job
from services.scorers import ScorerSpec, health, trying
from services.scorers.health import Line, reading
from services.scorers.health.facts import Disagreement
from services.scorers.trying import Tried
from services.traces import erasing
from services.workspace import Workspace
from tests.services.test_scorers_kinds import CODE, answered

RIGHT = ScorerSpec("right", "guidelines", {"guidelines": ["Be right."]})
JUDGE = AssessmentSource("LLM_JUDGE", "openai:/judge")
Finish = Callable[[Workspace, Job], Job]


def said(trace: Trace, value: bool | None, version: int = 1) -> None:
    """What the judge `right` said, or that it failed."""
    error = None if value is not None else AssessmentError("SCORER_ERROR", "gone")
    metadata = {"signalbox.version": str(version)}
    given = Feedback(name="right", value=value, error=error, source=JUDGE, metadata=metadata)
    mlflow.log_assessment(trace.info.trace_id, given)


def opinion(trace: Trace, value: bool, name: str = "helpful") -> None:
    mlflow.log_feedback(trace_id=trace.info.trace_id, name=name, value=value, source=AssessmentSource("HUMAN", "bob"))


def test_a_scorer_is_tried_on_stored_answers_before_it_is_kept(workspace: Workspace, finish: Finish) -> None:
    for text in ("It comes on Monday.", "Nobody knows."):
        answered(workspace, text)
    spec = ScorerSpec("", "mentions", {"must": ["Monday"], "must_not": []})

    tried = [Tried.from_json(one) for one in finish(workspace, trying.start(workspace, spec, "")).result["tried"]]

    assert {(one.question, one.answer, one.value) for one in tried} == {
        ("And the blue one?", "It comes on Monday.", True),
        ("And the blue one?", "Nobody knows.", False),
    }
    assert any("does not mention" in str(one.reason) for one in tried) and scorers.all(workspace) == []
    broken = ScorerSpec("", "code", {"source": CODE, "function": "broken", "gives": "pass", "low": 0, "high": 1})
    failed = finish(workspace, trying.start(workspace, broken, "")).result["tried"]
    assert [one["error"] for one in failed] == ["RuntimeError: the cable is unplugged"] * 2
    with pytest.raises(InvalidInputError):
        trying.start(workspace, ScorerSpec("", "mentions", {"must": [], "must_not": []}), "")


def test_the_answers_of_an_evaluation_bring_what_was_expected(workspace: Workspace, finish: Finish) -> None:
    """An answer that was erased since, whose row the evaluation keeps, is passed over."""
    dataset = datasets.create(workspace, "Questions", [Row("", "And the blue one?", expected="It comes on Monday.")])
    trace, erased = answered(workspace, "It comes on Monday."), answered(workspace, "Bob lives in Kobe.")
    erasing.erase(workspace, erased.info.trace_id, "asked for")
    asked = {
        "model_id": "m-1", "prompt_name": "p", "requested_version": 1, "dataset_id": dataset.id, "dataset_name": "Questions",
        "dataset_sha256": "", "scorers": {}, "practice": True, "actor": "ada", "job_id": 1,
    }  # fmt: skip
    summary = {"rows": 1, "failed": 0, "prompt_version": 1, "prompt_seen": True, "scores": {}}
    tags = {"signalbox.kind": "evaluation", "signalbox.asked": json.dumps(asked), SUMMARY_TAG: json.dumps(summary)}
    run = workspace.client.create_run(workspace.app.experiment_id, tags=tags).info.run_id
    line = {
        "row_id": datasets.rows(workspace, dataset.id)[0].id, "question": "And the blue one?", "expected": "", "critical": False,
        "answer": "It comes on Monday.", "state": "OK", "error": "", "trace_id": trace.info.trace_id, "prompt_version": 1,
        "prompt_seen": True, "seconds": 0.5, "topic": "", "language": "",
    }  # fmt: skip
    file = workspace.settings.home / "rows.parquet"
    pd.DataFrame([line | {"row_id": "gone", "trace_id": erased.info.trace_id}, line]).to_parquet(file)
    workspace.client.log_artifact(run, str(file), "evaluation")
    workspace.client.set_terminated(run)

    tried = finish(workspace, trying.start(workspace, ScorerSpec("", "similarity"), run)).result["tried"]

    assert [(one["value"], one["error"]) for one in tried] == [(1.0, "")]
    scorers.save(workspace, ScorerSpec("alike", "similarity"))
    finish(workspace, trying.start_twice(workspace, "alike", run))
    noise = health.all(workspace)["alike"].noise
    assert noise is not None and noise.pairs == 1


def test_answers_judged_twice_show_the_noise(workspace: Workspace, finish: Finish) -> None:
    for text in ("one", "two", "three"):
        answered(workspace, text)
    unsure = (
        "from mlflow.genai.scorers import scorer\nturn = iter([True, False])\n"
        "@scorer\ndef unsure(outputs):\n    return next(turn) if outputs == 'two' else True\n"
    )
    settings = {"source": unsure, "function": "unsure", "gives": "pass", "low": 0, "high": 1}
    scorers.save(workspace, ScorerSpec("unsure", "code", settings))

    finish(workspace, trying.start_twice(workspace, "unsure", ""))

    noise = health.all(workspace)["unsure"].noise
    assert noise is not None and (noise.pairs, noise.differ, noise.failed) == (3, 1, 0)
    assert noise.mean_difference == pytest.approx(1 / 3, abs=1e-3)


def test_agreement_with_people_decides_whether_a_judge_may_gate(workspace: Workspace) -> None:
    scorers.save(workspace, RIGHT)
    assert scorers.may_gate(workspace, "right") is None
    for judge, person in [(True, True)] * 3 + [(True, False)] * 3 + [(False, True)] * 2 + [(False, False)]:
        trace = answered(workspace, "On Monday.")
        said(trace, judge)
        opinion(trace, person)
    corrected = answered(workspace, "Sorry.")
    said(corrected, True)
    opinion(corrected, True)
    opinion(corrected, False, "right")

    found = health.all(workspace)["right"]

    assert (found.verdicts, found.failures, found.agreement.n, found.agreement.agreed) == (10, 0, 10, 4)
    assert found.agreement.labels == (True, False) and found.agreement.table == ((3, 4), (2, 1))
    assert Disagreement(corrected.info.trace_id, "And the blue one?", True) in found.disagreements
    assert len(found.disagreements) == 6
    assert sum(one.verdicts for one in found.weeks) == sum(one.compared for one in found.weeks) == 10
    assert sum(one.agreed for one in found.weeks) == 4
    assert scorers.may_gate(workspace, "right") is None, "twenty answers are asked for"
    health.save_line(workspace, Line(opinions=10))
    assert "agrees too little with people" in str(scorers.may_gate(workspace, "right"))
    scorers.save(workspace, ScorerSpec("right", "guidelines", {"guidelines": ["Be right, always."]}))
    assert scorers.may_gate(workspace, "right") is None, "a new version begins anew"
    health.save_line(workspace, Line(people_first=True))
    assert "needed before it may gate" in str(scorers.may_gate(workspace, "right"))


def test_a_judge_that_fails_often_may_not_gate(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FEW", 4)
    scorers.save(workspace, RIGHT)
    for value in (True, True, None, None):
        said(answered(workspace, "On Monday."), value)

    assert "failed 2 of 4 times" in str(scorers.may_gate(workspace, "right"))


def test_a_judge_that_always_passes_may_not_gate(workspace: Workspace) -> None:
    scorers.save(workspace, RIGHT)
    health.save_line(workspace, Line(opinions=4))
    for person in (True, True, True, False):
        trace = answered(workspace, "On Monday.")
        said(trace, True)
        opinion(trace, person)

    assert "agrees too little with people: 0.00" in str(scorers.may_gate(workspace, "right"))


def test_failures_count_only_against_the_version_that_failed(workspace: Workspace) -> None:
    spec = scorers.save(workspace, RIGHT)
    error = AssessmentError("SCORER_ERROR", "gone")
    for metadata in ({}, {"mlflow.assessment.scorerVersion": "1"}, {"mlflow.assessment.scorerVersion": "2"}):
        given = Feedback(name="right", error=error, source=JUDGE, metadata=metadata)
        mlflow.log_assessment(answered(workspace, "On Monday.").info.trace_id, given)

    assert health.of(workspace, spec).failures == 1


def test_only_who_may_evaluate_or_gate_measures_and_sets_the_line(workspace: Workspace) -> None:
    from dataclasses import replace

    scorers.save(workspace, RIGHT)
    viewer = replace(workspace, actor=replace(workspace.actor, roles=frozenset({"viewer"})))
    for forbidden in (
        lambda: trying.start(viewer, RIGHT, ""),
        lambda: trying.start_twice(viewer, "right", ""),
        lambda: health.save_line(viewer, Line()),
    ):
        with pytest.raises(ForbiddenError):
            forbidden()
    assert jobs.recent(workspace) == []
    with pytest.raises(InvalidInputError):
        health.save_line(workspace, Line(failures=0))


def test_opinions_count_also_behind_busy_traffic(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = scorers.save(workspace, RIGHT)
    thumbed, corrected, *busy = (answered(workspace, text) for text in ("first", "second", "third", "fourth"))
    for trace in (thumbed, corrected, *busy):
        said(trace, True)
    opinion(thumbed, True)
    corrections.give(workspace, corrected.info.trace_id, "right", False, "It names no day.")
    monkeypatch.setattr(reading, "MOST_READ", 2)

    found = health.of(workspace, spec)

    assert found.verdicts == 2, "verdicts are counted over the newest answers"
    assert found.agreement.table == ((1, 1), (0, 0)) and found.agreement.n == 2
    assert health.counted(health.people(workspace, spec)) == {True: 1, False: 1}
