"""Monitoring: live traces only, honest numbers, explained silence, and the job that judges."""

import csv
import io
import signal

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, Trace, TraceData
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from services import apps, jobs, monitoring, readmodel, scorers
from services.apps import Stage
from services.errors import InvalidInputError
from services.messages import Message
from services.monitoring import Asked, MonitoredScorer, Score, buckets, scoring
from services.processes.worker import CONTEXT
from services.readmodel import Scored
from services.scorers import ScorerSpec
from services.traces.rows import newest_feedback
from tests.left_traces import leave, leave_one_of_each
from tests.services import killed_scoring

SHORT = ScorerSpec("short", "length", {"shortest": 1, "longest": 20})


@pytest.fixture
def judged(workspace):
    """An app whose scorer `short` watches every answer."""
    spec = scorers.save(workspace, SHORT)
    monitoring.save_scorers(workspace, [MonitoredScorer(spec.name, spec.version, 1.0, True)])
    return workspace


def run(workspace, **args):
    job = jobs.submit(workspace, "score_live", args)
    while (taken := jobs.claim(workspace.engine)).id != job.id:
        jobs.finish(workspace.engine, taken, {})
    result = monitoring.score_live(workspace, jobs.Work(workspace.engine, taken))
    jobs.finish(workspace.engine, taken, result)
    return result


def feedback(trace_id, name="short"):
    return newest_feedback(mlflow.get_trace(trace_id).info).get(name)


def look(workspace, hours=24.0, **asked):
    readmodel.catch_up(workspace, 60)  # a screen waits less, and a busy machine may need longer
    return monitoring.overview(workspace, Asked(hours, **asked))


def test_only_live_traces_are_counted(workspace):
    leave_one_of_each(workspace)
    assert look(workspace).total.count == 2
    staged = look(workspace, stage=Stage.STAGING)
    assert (staged.total.count, staged.markers, staged.silence) == (1, (), ())
    leave(workspace, environment="staging", model_id="m-9")
    look(workspace)
    there = readmodel.versions(workspace, Asked(stage=Stage.STAGING).origin)
    assert "m-9" in there.agents and "m-9" not in readmodel.versions(workspace).agents


def test_numbers_say_what_they_rest_on(workspace):
    for seconds, hours in ((0.1, 0.1), (0.2, 0.1), (0.3, 0.1), (9.0, 30)):
        leave(workspace, seconds=seconds, hours_ago=hours)
    broken = leave(workspace, error=True, seconds=60, hours_ago=0.1)
    passed = leave(workspace, seconds=0.2, hours_ago=0.1, model_id="m-2", prompt='[{"name": "a", "version": "2"}]')
    for id, value in ((broken, False), (passed, True)):
        mlflow.log_feedback(trace_id=id, name="short", value=value)
    mlflow.log_feedback(trace_id=passed, name="short", value=False, source=AssessmentSource("HUMAN", "eve"))

    found = look(workspace)

    assert (found.total.count, found.total.errors, found.before.count) == (5, 1, 1)
    assert found.total.millis[0] == pytest.approx(200, rel=0.01)
    assert [sum(one.count for one in found.series.buckets), len(found.times)] == [5, len(found.series.buckets) + 1]
    assert len(found.series.buckets) >= 24
    (by_scorer,), (by_people,) = found.of_kind("production"), found.of_kind("people")
    assert (by_scorer.now.passed, by_scorer.now.judged) == (1, 2)
    assert (by_people.now.passed, by_people.now.judged) == (0, 1)
    assert by_scorer.interval[0] < 0.5 < by_scorer.interval[1]
    assert look(workspace, agent="m-2").total.count == look(workspace, prompt="a/2").total.count == 1
    assert {name: one.count for name, one in found.series.by_prompt.items()} == {"": 4, "a/2": 1}

    lines = list(csv.DictReader(io.StringIO(monitoring.as_csv(found))))
    assert sum(int(line["questions"]) for line in lines) == 5
    assert sum(int(line["production: short, passed"]) for line in lines) == 1
    assert {line["p50_seconds"] for line in lines} >= {""}


@pytest.mark.parametrize(("passed", "chance"), [(60, False), (88, True)])
def test_a_change_is_told_from_chance(passed, chance):
    score = Score(Scored("production", "short", 100, passed, 0, 0), Scored("production", "short", 100, 90, 0, 0))
    assert score.more_than_chance is not chance


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Asia/Kolkata", "America/New_York", "Africa/Cairo", "UTC"])
def test_days_begin_at_midnight_of_the_app(zone):
    now = pd.Timestamp("2026-11-21T20:07:00Z")
    cut = buckets.edges(now, 24 * 200, zone)
    local = pd.to_datetime(list(cut), unit="ms", utc=True).tz_convert(zone)
    assert local.date.tolist() == sorted(set(local.date.tolist())) and len(local) in (201, 202, 203)
    assert set(local.hour) <= {0, 1}  # one where clocks change at midnight
    assert all(one % (15 * 60_000) == 0 for one in cut)
    assert cut[-2] <= now.timestamp() * 1000 < cut[-1]


def test_what_was_changed_is_marked(workspace):
    spec = scorers.save(workspace, SHORT)
    monitoring.save_scorers(workspace, [MonitoredScorer(spec.name, spec.version, 1.0, True)])
    newer = scorers.save(workspace, SHORT)
    monitoring.save_scorers(workspace, [MonitoredScorer(spec.name, spec.version, 0.5, True)])
    monitoring.save_scorers(workspace, [MonitoredScorer(newer.name, newer.version, 0.5, True)])
    leave(workspace)
    found = look(workspace)
    assert [(str(one.what), one.judging) for one in found.markers] == [
        ("The scorer short was made.", False),
        ("The production scorers were changed.", False),
        ("The scorer short got a new version.", False),
        ("The production scorers were changed.", False),
        (f"Production is judged by version {newer.version} of the scorer short now.", True),
    ]


@pytest.fixture
def rejudged(judged):
    """… and then another version of it."""
    newer = scorers.save(judged, SHORT)
    monitoring.save_scorers(judged, [MonitoredScorer(newer.name, newer.version, 1.0, True)])
    return judged


def test_a_change_of_what_judges_warns_only_between_answers(rejudged):
    leave(rejudged, seconds=0)
    assert not look(rejudged).judging_changed  # all answers came after it
    leave(rejudged, hours_ago=1)
    assert look(rejudged).judging_changed
    assert not look(rejudged, stage=Stage.STAGING).judging_changed


def test_answers_before_a_change_of_what_judges_alone_do_not_warn(rejudged):
    leave(rejudged, hours_ago=1)
    assert not look(rejudged).judging_changed


def test_a_version_that_judges_no_production_and_another_share_do_not_warn(judged):
    leave(judged, hours_ago=1)
    spec = scorers.save(judged, SHORT)
    monitoring.save_scorers(judged, [MonitoredScorer(spec.name, spec.version - 1, 0.5, True)])
    leave(judged, seconds=0)
    assert not look(judged).judging_changed


def said(workspace, hours=24):
    return " ".join(str(message) for message in look(workspace, hours).silence)


def test_silence_is_explained(workspace):
    serving = workspace.platform.serving
    assert "Nothing is deployed" in said(workspace)
    serving.deploy(workspace, "support", 1, "m-1", {})
    assert "No version takes traffic" in said(workspace)
    leave(workspace, hours_ago=30)
    assert "Nobody asked in this time" in said(workspace)
    leave(workspace)
    assert "No scorer watches production" in said(workspace)


def test_waiting_answers_are_announced(judged):
    leave(judged)
    assert "Answers without a verdict yet: 1" in said(judged)
    run(judged)
    assert said(judged) == ""


def test_scorers_that_nobody_runs_are_announced(workspace):
    spec = scorers.save(workspace, SHORT)
    apps.save_setting(
        workspace, "production_scorers", [{"name": spec.name, "version": 1, "rate": 1.0, "running": True}]
    )
    leave(workspace)
    assert "nothing runs them" in said(workspace)


def test_live_answers_are_judged_once(judged):
    left = leave_one_of_each(judged)
    long = leave(judged, answer="x" * 30)

    assert run(judged) == {"scored": 3, "traces": 3}
    assert run(judged) == {"scored": 0, "traces": 0}
    assert feedback(left["live"]).value is True
    assert feedback(long).value is False
    assert feedback(left["live"]).metadata["signalbox.version"] == "1"
    assert feedback(left["live"]).source.source_type == "CODE"
    assert all(feedback(left[name]) is None for name in ("probe", "evaluation", "evaluation, untagged", "shadow"))


@pytest.mark.parametrize("when", ["before", "after"])
def test_judging_that_is_killed_ends_with_the_verdicts_of_an_undisturbed_run(judged, when):
    brief = scorers.save(judged, ScorerSpec("brief", "length", {"shortest": 1, "longest": 5}))
    both = [*monitoring.production_scorers(judged), MonitoredScorer(brief.name, brief.version, 1.0, True)]
    monitoring.save_scorers(judged, both)
    left = {leave(judged, answer="x" * length, hours_ago=1): length for length in (3, 4, 9, 10, 40)}

    child = CONTEXT.Process(target=killed_scoring.score, args=(judged.settings, judged.app.id, when))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    stored = killed_scoring.VERDICTS - (when == "before")
    assert sum(len(mlflow.get_trace(id).info.assessments) for id in left) == stored

    assert run(judged)["scored"] == 2 * len(left) - stored
    for id, length in left.items():
        given = sorted((one.name, one.value) for one in mlflow.get_trace(id).info.assessments)
        assert given == [("brief", length <= 5), ("short", length <= 20)]
    assert run(judged)["scored"] == 0
    assert {one.now.name: one.now.judged for one in look(judged).scores} == {"brief": len(left), "short": len(left)}


def test_a_shadows_answer_is_judged_beside_the_live_one_and_counts_nowhere(judged):
    live, shadow = (leave(judged, origin=origin, pair="p-1") for origin in ("live", "shadow"))
    assert run(judged) == {"scored": 2, "traces": 2}
    assert feedback(live).value is feedback(shadow).value is True
    found = look(judged)
    assert (found.total.count, [one.now.judged for one in found.scores]) == (1, [1])


def test_a_new_version_of_a_scorer_judges_again(judged):
    id = leave(judged)
    run(judged)
    spec = scorers.save(judged, ScorerSpec("short", "length", {"shortest": 1, "longest": 3}))
    monitoring.save_scorers(judged, [MonitoredScorer("short", spec.version, 1.0, True)])

    assert run(judged)["scored"] == 1
    assert feedback(id).value is False
    assert feedback(id).metadata["signalbox.version"] == "2"


def test_a_scorer_that_fails_leaves_its_error(judged, monkeypatch):
    id = leave(judged)

    def broken(spec, workspace, called=None):
        @mlflow.genai.scorer(name=spec.name)
        def fails(outputs):
            raise RuntimeError("no judge")

        return fails

    with monkeypatch.context() as patch:
        patch.setattr(scorers, "build", broken)
        run(judged)
    assert "no judge" in feedback(id).error.error_message
    assert run(judged)["scored"] == 0

    assert run(judged, hours=1)["scored"] == 1
    assert feedback(id).value is True


def test_a_trace_that_cannot_be_read_stops_no_other(judged, monkeypatch):
    broken, empty, good = (leave(judged) for _ in range(3))
    read = MlflowClient.get_trace

    def get_trace(client, id):
        if id == broken:
            raise MlflowException("Its span data is corrupted.", error_code=BAD_REQUEST)
        trace = read(client, id)
        return Trace(trace.info, TraceData([])) if id == empty else trace

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "get_trace", get_trace)
        assert run(judged) == {"scored": 1, "traces": 1}
    assert feedback(good).value is True
    assert run(judged)["scored"] == 2


def test_the_root_span_is_judged_wherever_it_stands(judged, monkeypatch):
    id = leave(judged)
    read = MlflowClient.get_trace

    def get_trace(client, id):
        trace = read(client, id)
        return Trace(trace.info, TraceData(trace.data.spans[::-1]))

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "get_trace", get_trace)
        run(judged)
    assert feedback(id).value is True


def test_failed_answers_have_nothing_to_judge(judged):
    leave(judged, error=True)
    assert run(judged)["scored"] == 0


def test_a_lower_share_judges_a_part_of_what_a_higher_one_does():
    names = [f"tr-{number}" for number in range(1000)]
    tenth = {name for name in names if scoring.sampled(name, 0.1)}
    half = {name for name in names if scoring.sampled(name, 0.5)}

    assert tenth < half
    assert 60 < len(tenth) < 140
    assert all(scoring.sampled(name, 1.0) for name in names)


def test_a_share_outside_the_scale_is_refused(workspace):
    with pytest.raises(InvalidInputError):
        monitoring.save_scorers(workspace, [MonitoredScorer("short", 1, 1.5, True)])


def test_a_failed_scoring_says_why(judged):
    leave(judged)
    job = jobs.claim(judged.engine)
    from services.errors import ConsoleError

    jobs.fail(judged.engine, job, ConsoleError(Message("The judge is gone.")))
    assert "The judge is gone." in said(judged)
