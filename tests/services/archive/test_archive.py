"""The archive: a table that holds exactly what MLflow holds, whoever kills the copying and whenever."""

import signal
import time
from datetime import timedelta
from pathlib import Path

import mlflow
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from bench import trace_maker
from services import archive, audit, database, jobs
from services.archive import copying, cursor, keeping, plan, schema, table
from services.archive.plan import Plan
from services.audit import Verb
from services.errors import InvalidInputError, PlatformError
from services.processes.worker import CONTEXT
from services.traces import erasing
from tests.archived import content, truth, work
from tests.left_traces import leave
from tests.services import killed_archiving

DAY = 86_400_000
MADE = 240


@pytest.fixture
def now():
    return int(time.time() * 1000)


@pytest.fixture
def busy(workspace, now):
    """An app with traces of four days, whose archive is switched on and has copied nothing yet."""
    store = workspace.settings.tracking_uri.removeprefix("sqlite:///")
    made = trace_maker.Made(MADE, now - DAY, 4)
    trace_maker.write(store, workspace.app.experiment_id, trace_maker.traces(made))
    archive.start(workspace)
    return workspace


def killed(doing, workspace, *given):
    """In a child of the worker's kind: delta-rs does not survive a fork of a process that used it."""
    child = CONTEXT.Process(target=doing, args=(workspace.settings, workspace.app.id, *given))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL


def test_the_table_holds_what_mlflow_holds_also_after_late_changes(busy):
    work(busy)
    assert content(busy) == truth(busy) and len(content(busy)) == MADE
    state = archive.state(busy)
    assert (state.rows, state.complete) == (MADE, True) and state.size > 0

    first, second, gone = (one for one, _digest in content(busy)[:3])
    given = mlflow.log_feedback(trace_id=first, name="late", value=False, rationale="遅い", source=human("bob"))
    mlflow.log_expectation(trace_id=second, name="facts", value=["a", 1], source=human("eve"))
    mlflow.set_trace_tag(second, "team", "support")
    busy.client.delete_traces(busy.app.experiment_id, trace_ids=[gone])
    new = leave(busy, "Where is it?", user="taro")
    work(busy)
    assert content(busy) == truth(busy)
    held = {one for one, _digest in content(busy)}
    assert gone not in held and new in held

    mlflow.delete_assessment(trace_id=first, assessment_id=given.assessment_id)
    work(busy)
    assert content(busy) == truth(busy)
    number = table.read(busy).transaction_version(table.WRITER)
    work(busy)
    assert table.read(busy).transaction_version(table.WRITER) == number, "nothing new is no commit"


def human(name):
    return mlflow.entities.AssessmentSource("HUMAN", name)


@pytest.mark.parametrize("where", ["before", "after", "compacting"])
def test_a_killed_copying_goes_on_to_the_same_table(busy, where):
    killed(killed_archiving.copy, busy, where)
    begun = content(busy)
    assert len({one for one, _digest in begun}) == len(begun) > 0
    assert where == "compacting" or len(begun) < MADE

    work(busy)
    assert content(busy) == truth(busy) and len(content(busy)) == MADE


def test_a_second_writer_cannot_commit_the_same_number(busy):
    """The lock keeps others out; where it fails (a network disk), Delta's log does."""
    work(busy)
    left = leave(busy)
    with table.writing(busy) as place:
        stale = DeltaTable(str(table.path(busy)))
        work_on = copying.span_of([place_of(busy, left)])
        rows = copying.read(busy, work_on)[1]
        place.replace(work_on, rows, {}, keep=False)
        place.table = stale
        with pytest.raises(table.DeltaError, match="oncurrent"):
            place.replace(work_on, rows, {}, keep=False)
    assert content(busy) == truth(busy)


def test_a_full_disk_is_a_sentence_and_the_copying_goes_on_afterwards(busy, monkeypatch):
    connected = cursor.connect

    def full(file):
        connection = connected(file)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    def intend(connection, number, prints):
        cursor.note(connection, "x" * 100_000, number)

    with monkeypatch.context() as patched:
        patched.setattr(cursor, "connect", full)
        patched.setattr(cursor, "intend", intend)  # a few quarter hours alone fit into the pages that are there
        with pytest.raises(PlatformError, match="database or disk is full") as raised:
            copying.copy(busy, plan.load(busy), lambda done, waiting: None)
    assert raised.value.retryable
    work(busy)
    assert content(busy) == truth(busy)


def place_of(workspace, trace_id):
    return workspace.client.get_trace(trace_id).info.request_time // copying.SLOT_MS


def test_any_tool_finds_the_documented_columns(workspace):
    left = leave(workspace, "返品したい", "はい。", user="taro")
    mlflow.log_feedback(trace_id=left, name="short", value=True)
    archive.start(workspace)
    work(workspace)
    found = DeltaTable(str(archive.path(workspace))).to_pyarrow_table()
    told = (Path(__file__).parents[3] / "docs" / "archive.md").read_text("utf-8")
    assert sorted(found.column_names) == sorted(schema.COLUMNS)
    assert [one for one in found.column_names if f"| `{one}` |" not in told] == []
    (row,) = found.to_pylist()
    assert (row["request"], row["response"], row["user"], row["origin"]) == ("返品したい", "はい。", "taro", "live")
    assert (row["tokens"], row["model_id"], row["assessments"][0]["value"]) == (10, "m-1", "true")
    assert row["day"] == row["time"].date() and '"predict"' in row["spans"]
    assert {one.tool for one in archive.ready(workspace)} == {"DuckDB", "Polars", "Spark"}
    assert all(str(archive.path(workspace)) in one.text for one in archive.ready(workspace))


def test_a_deleted_person_leaves_no_word_on_the_disk(workspace):
    leave(workspace, "My name is Taroemon.", user="taro")
    other = leave(workspace, "Where is it?", user="eve")
    archive.start(workspace)
    work(workspace)
    leave(workspace, "Taroemon again", user="taro")
    work(workspace)
    assert said(workspace, "Taroemon")

    assert erasing.erase_person(workspace, "taro", "A customer asked for it.").archived == 2
    assert not said(workspace, "Taroemon") and not said(workspace, "taro")
    assert [one for one, _digest in content(workspace)] == [other]
    (line,) = [one for one in audit.of_verbs(workspace, [Verb.ERASE_TRACES]) if one.outcome == "done"]
    assert line.after["archived"] == 2
    work(workspace)
    assert content(workspace) == truth(workspace)


def test_a_killed_deletion_is_ended_by_the_next_writer(workspace):
    left = leave(workspace, "My name is Taroemon.")
    archive.start(workspace)
    work(workspace)
    killed(killed_archiving.forget, workspace, left)
    assert content(workspace) == [] and said(workspace, "Taroemon")
    with table.writing(workspace):
        pass
    assert not said(workspace, "Taroemon")


def said(workspace, word):
    """Whether any file of the archive has the word, in the log or packed in Parquet."""
    files = [one for one in table.folder(workspace).rglob("*") if one.is_file()]
    packed = [pq.read_table(one, partitioning=None) for one in files if one.suffix == ".parquet"]
    plain = [one.read_bytes() for one in files if one.suffix != ".parquet"]
    return any(word in str(one.to_pylist()) for one in packed) or any(word.encode() in one for one in plain)


def test_what_differs_is_found_and_copied_anew(busy):
    work(busy)
    changed, lost = content(busy)[0][0], content(busy)[1][0]
    held = table.read(busy)
    held.update(predicate=f"trace_id = '{changed}'", updates={"response": "'something else'"})
    held.delete(f"trace_id = '{lost}'")
    archive.check(busy)
    found = archive.Comparison.from_json({k: v for k, v in work(busy, archive.ACT).items() if k != "action"})
    assert (found.missing, found.changed, found.left, found.mended) == ((lost,), (changed,), (), 2)
    assert found.compared == MADE - 1 and content(busy) == truth(busy)


def test_age_empties_mlflow_only_of_what_is_archived(busy, monkeypatch):
    old = leave(busy, "古い質問", user="taro", hours_ago=100)
    mlflow.log_feedback(trace_id=old, name="short", value="yes", rationale="短い", source=human("bob"))
    work(busy)
    whole, day = truth(busy), schema.day_of(busy.client.get_trace(old).info.request_time)
    monkeypatch.setattr(plan, "LEAST_IN_MLFLOW", 1)
    archive.change_ages(busy, None, 2)
    assert work(busy)["relieved"] > 0
    work(busy)
    assert 0 < len(truth(busy)) < MADE and old not in dict(truth(busy))
    assert content(busy) == whole
    archive.check(busy)
    found = work(busy, archive.ACT)
    assert (found["missing"], found["left"], found["mended"]) == ([], [], 0)
    assert found["kept"] + found["compared"] == MADE + 1 and found["kept"] > 0

    there = len(truth(busy))
    archive.put_back(busy, day, day)
    made = work(busy, archive.ACT)["traces"]
    assert made > 1 and len(truth(busy)) == there + made
    assert dict(truth(busy))[old] == dict(whole)[old], "the same to the last letter"
    assert work(busy)["relieved"] == 0, "what was brought back stays for a while"


def test_the_archive_drops_what_is_too_old_for_it(busy):
    work(busy)
    archive.change_ages(busy, 3, None)
    assert work(busy)["dropped"] > 0
    kept = database.now().date() - timedelta(days=3)
    assert keeping.days(busy)[0] >= kept and len(truth(busy)) == MADE
    work(busy)
    assert keeping.days(busy)[0] >= kept

    archive.change_ages(busy, None, None)
    archive.backfill(busy)
    work(busy)
    assert content(busy) == truth(busy)


@pytest.mark.parametrize("ages", [(0, None), (None, 30), (90, 90)])
def test_ages_that_would_lose_traces_are_refused(ages):
    with pytest.raises(InvalidInputError):
        plan.check(Plan(keep_days=ages[0], mlflow_days=ages[1]))


def test_from_today_on_leaves_the_past_until_it_is_wanted(busy):
    new = leave(busy)
    archive.start(busy, everything=False)
    work(busy)
    assert [one for one, _digest in content(busy)] == [new]
    archive.backfill(busy)
    work(busy)
    assert content(busy) == truth(busy) and len(content(busy)) == MADE + 1


def test_a_stopped_archive_copies_nothing_and_can_be_deleted(busy):
    work(busy)
    archive.stop(busy)
    assert not [job for job in jobs.recent(busy, archive.FOLLOW) if job.live]
    leave(busy)
    archive.check(busy)
    assert work(busy, archive.ACT)["mended"] == 0 and len(content(busy)) == MADE
    with pytest.raises(InvalidInputError):
        archive.delete(busy, " ")
    archive.delete(busy, "Nobody reads it.")
    assert not archive.state(busy).exists and not list(table.folder(busy).rglob("*.parquet"))
    archive.start(busy)
    work(busy)
    assert content(busy) == truth(busy)
