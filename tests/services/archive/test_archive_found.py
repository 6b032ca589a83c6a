"""Traces that MLflow lost by age: found and told from the archive, erased like any other."""

import time

import mlflow
import pytest
from mlflow.entities import AssessmentSource

from services import archive, readmodel, traces
from services.archive import plan
from services.errors import NotFoundError
from services.traces import TraceQuery, archived, erasing
from tests.archived import content, truth, work
from tests.left_traces import leave

EVER = 24.0 * 30
LONG = "The parcel left our house. " * 80 + "It waits in Ｏｓａｋａ."


@pytest.fixture
def aged(workspace, monkeypatch):
    """MLflow has lost two of three traces; the ids, oldest first."""
    monkeypatch.setattr(plan, "LEAST_IN_MLFLOW", 1)
    ids = [
        leave(
            workspace, "荷物はどこですか", LONG, user="taro", hours_ago=130, prompt='[{"name": "a", "version": "2"}]'
        ),
        leave(workspace, "Where is it?", hours_ago=100, error=True),
        leave(workspace, "Where is the new one?"),
    ]
    mlflow.log_feedback(trace_id=ids[0], name="short", value=False, rationale="Too long.")
    mlflow.log_feedback(trace_id=ids[0], name="helpful", value=True, source=AssessmentSource("HUMAN", "eve"))
    archive.start(workspace)
    work(workspace)
    assert archived.lost_before(workspace) is None and archived.find(workspace, TraceQuery(hours=EVER)) == []
    with monkeypatch.context() as unread:
        unread.setattr(archived.table, "read", None)
        assert archived.story(workspace, ids[0]) is None, "nothing is lost: the archive is not even opened"
    archive.change_ages(workspace, None, 2)
    assert work(workspace)["relieved"] == 2 and len(truth(workspace)) == 1
    readmodel.catch_up(workspace, 60)
    return ids


def test_what_mlflow_lost_is_found_by_all_that_is_known_of_it(workspace, aged, monkeypatch):
    monkeypatch.setattr(archived, "BATCH", 1)
    oldest, failed, _newest = aged
    for asked, ids in (
        ({}, [failed, oldest]),
        ({"hours": 110.0}, [failed]),
        ({"limit": 1}, [failed]),
        ({"text": "荷物"}, [oldest]),
        ({"text": "osaka PARCEL"}, [oldest]),
        ({"text": "osaka failed"}, []),
        ({"user": "taro"}, [oldest]),
        ({"state": "ERROR"}, [failed]),
        ({"scorer": "short"}, [oldest]),
        ({"scorer": "short", "passed": True}, []),
        ({"opinion": True}, [oldest]),
        ({"opinion": False}, []),
        ({"prompt": ("a", 2)}, [oldest]),
        ({"version": "m-9"}, []),
        ({"origin": "probe"}, []),
        ({"origin": None}, [failed, oldest]),
    ):
        found = archived.find(workspace, TraceQuery(**{"hours": EVER} | asked))
        assert [one.trace_id for one in found] == ids, asked


def test_a_list_reads_the_same_from_the_archive_as_before(workspace, monkeypatch):
    monkeypatch.setattr(plan, "LEAST_IN_MLFLOW", 1)
    began = time.time_ns() - 130 * 3600 * 10**9
    there = workspace.app.experiment_id
    root = mlflow.start_span_no_context("answer", inputs="朝食は何時？", start_time_ns=began, experiment_id=there)
    root.set_outputs("7 時です。")
    root.end(end_time_ns=began + 10**9)
    leave(workspace, hours_ago=120)
    readmodel.catch_up(workspace, 60)
    before = [(one.question, one.answer) for one in readmodel.find(workspace, TraceQuery(hours=EVER)).rows]
    assert ("朝食は何時？", "7 時です。") in before

    archive.start(workspace)
    archive.change_ages(workspace, None, 2)
    assert work(workspace)["relieved"] == 2
    readmodel.catch_up(workspace, 60)
    assert [(one.question, one.answer) for one in archived.find(workspace, TraceQuery(hours=EVER))] == before


def test_an_archived_trace_is_told_and_erased_like_any_other(workspace, aged):
    oldest, _failed, newest = aged
    with pytest.raises(NotFoundError):
        traces.get(workspace, oldest)
    told = archived.story(workspace, oldest)
    assert told is not None and told.archived
    assert (told.question, told.answer, told.user) == ("荷物はどこですか", LONG, "taro")
    assert [one.scorer for one in told.verdicts] == ["short", "helpful"] and len(told.steps) == 2
    assert archived.story(workspace, newest) is None, "MLflow has it"
    assert archived.story(workspace, "tr-" + "0" * 32) is None

    assert erasing.erase(workspace, oldest, "asked for").archived == 1
    assert archived.story(workspace, oldest) is None and oldest not in dict(content(workspace))
