"""The judging model is recorded before it judges production, and a change of it is marked."""

from dataclasses import replace

import pytest

from services import audit, monitoring, scorers
from services.audit import Verb
from services.monitoring import MonitoredScorer, judge
from services.monitoring.markers import markers
from services.scorers import ScorerSpec
from tests.left_traces import leave
from tests.services.test_monitoring import SHORT, look, run

POLITE = ScorerSpec("polite", "guidelines", {"guidelines": ["The answer is polite."]})


def judged_by(workspace, model):
    settings = replace(workspace.settings, judge_model=model)
    return replace(workspace, platform=replace(workspace.platform, settings=settings))


def noticed(workspace):
    return [(one.actor, one.before, one.after) for one in audit.of_verbs(workspace, (Verb.NOTICE_JUDGE,))]


def test_another_judging_model_is_recorded_once_and_marked(workspace):
    leave(workspace, hours_ago=1)
    for model in ("small", "small", "large", "large"):
        judge.notice(judged_by(workspace, model), [SHORT, POLITE])
    assert noticed(workspace) == [("signalbox", None, "small"), ("signalbox", "small", "large")]
    first = audit.of_verbs(workspace, (Verb.NOTICE_JUDGE,))[0].at
    marked = [(str(one.what), one.judging) for one in markers(workspace, first)]
    assert marked == [("The judging model changed from small to large.", True)]
    assert not look(workspace).judging_changed
    leave(workspace, seconds=0)
    assert look(workspace).judging_changed


def test_scorers_that_ask_no_model_record_none(workspace):
    judge.notice(workspace, [SHORT])
    assert noticed(workspace) == []


@pytest.mark.parametrize("traces", [0, 1])
def test_it_is_recorded_when_there_is_something_to_judge(workspace, traces, monkeypatch):
    scorers.save(workspace, SHORT)
    asked = []
    monkeypatch.setattr(judge, "notice", lambda place, specs: asked.append([one.name for one in specs]))
    monitoring.save_scorers(workspace, [MonitoredScorer("short", 1, 1.0, True)])
    for _ in range(traces):
        leave(workspace)
    run(workspace)
    assert asked == [["short"]] * traces
