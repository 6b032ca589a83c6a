"""The read model: equal to MLflow's own metrics, filled exactly once, also when it is killed in the middle."""

import os
import signal
import time
from dataclasses import replace

import mlflow
import numpy as np
import pytest

from bench import trace_maker
from services import jobs, readmodel
from services.errors import NotReadyError, PlatformError
from services.readmodel import TraceQuery, Window, file, filling, following, sketch, source
from services.readmodel.api_history import ApiHistory
from tests.left_traces import leave

DAY = 86_400_000
TABLES = ("quarter_sum", "quarter_score", "hour_sum", "hour_score", "slot")


@pytest.fixture
def now():
    quarter = 15 * 60_000
    return int(time.time() * 1000) // quarter * quarter + quarter


@pytest.fixture
def busy(workspace, now):
    """An app with 600 traces of four days."""
    made = trace_maker.Made(600, now, 4)
    trace_maker.write(store(workspace), workspace.app.experiment_id, trace_maker.traces(made))
    return workspace


def store(workspace):
    return workspace.settings.tracking_uri.removeprefix("sqlite:///")


def read_all(workspace):
    """What the job does, to the end."""
    job = jobs.submit(workspace, readmodel.JOB, {})
    while (taken := jobs.claim(workspace.engine)).id != job.id:
        jobs.finish(workspace.engine, taken, {})
    jobs.finish(workspace.engine, taken, readmodel.run(workspace, jobs.Work(workspace.engine, taken)))


def content(workspace):
    """Everything that is added up, and every trace with its words and verdicts, whatever the dimensions are numbered."""
    dims = "(SELECT origin || model_id || prompt || state FROM dim WHERE dim.id = dim)"
    with file.reading(workspace) as connection:
        found = {}
        for name in TABLES:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})") if row[1] != "id"]
            chosen = ", ".join(dims if one == "dim" else one for one in columns)
            found[name] = sorted(connection.execute(f"SELECT {chosen} FROM {name}").fetchall())
        found["trace"] = connection.execute("SELECT id, trace_id, digest FROM trace ORDER BY id").fetchall()
        found["mark"] = connection.execute("SELECT * FROM mark ORDER BY id, position").fetchall()
        found["words"] = connection.execute("SELECT term, doc, cnt FROM vocabulary ORDER BY term").fetchall()
        return found


def ids(workspace, **asked):
    return [row.trace_id for row in readmodel.find(workspace, TraceQuery(hours=200, limit=1000, **asked)).rows]


def test_sums_equal_mlflows_metrics_also_after_late_changes(busy, now):
    read_all(busy)
    whole = now - 5 * DAY, now
    check = readmodel.verify(busy, *whole)
    assert check.differences == [] and check.compared > 15
    assert check.worst <= sketch.ERROR
    assert readmodel.verify(busy, now - 2 * DAY, now - DAY).fine

    old, other, gone = (f"tr-{600:08x}{number:024x}" for number in (3, 50, 100))
    mlflow.log_feedback(trace_id=old, name="helpful", value=False, source=human("bob"))
    first = mlflow.log_feedback(trace_id=other, name="late", value=True)
    with file.writing(busy) as connection:  # a long history: only what changed is looked for
        filling.fill(busy, connection, never, filling.Look(now, now - filling.RECENT))
    assert readmodel.verify(busy, *whole).fine
    assert old in ids(busy, opinion=False)

    mlflow.delete_assessment(trace_id=other, assessment_id=first.assessment_id)
    busy.client.delete_traces(busy.app.experiment_id, trace_ids=[gone])
    assert not readmodel.verify(busy, *whole).fine
    readmodel.catch_up(busy, 5)
    assert readmodel.verify(busy, *whole).fine
    assert gone not in ids(busy) and len(ids(busy)) == 599


def never(done, waiting):
    return False


def human(name):
    return mlflow.entities.AssessmentSource("HUMAN", name)


@pytest.mark.parametrize("after", [1, 3])
def test_a_killed_filling_goes_on_to_the_same_sums(busy, after):
    if not (child := os.fork()):
        try:
            with file.writing(busy) as connection:
                connection.execute("PRAGMA cache_size=-8")  # changes reach the file before their transaction ends
                read, passes = filling._replace, []

                def killed_within(*given):
                    passes.append(1)
                    if len(passes) > after:
                        given[1].set_trace_callback(lambda words: "INSERT INTO hour" in words and die())
                    return read(*given)

                filling._replace = killed_within
                filling.fill(busy, connection, never)
        finally:
            os._exit(0)  # whatever happens, this is no second run of the tests
    assert os.waitpid(child, 0)[1] == signal.SIGKILL

    with file.reading(busy) as connection:
        begun = connection.execute("SELECT count(*) FROM trace").fetchone()[0]
        summed = connection.execute("SELECT sum(n) FROM hour_sum").fetchone()[0]
    assert 0 < begun < 600 and begun == summed

    read_all(busy)
    resumed = content(busy)
    readmodel.rebuild(busy)
    taken = jobs.claim(busy.engine)
    readmodel.run(busy, jobs.Work(busy.engine, taken))
    assert content(busy) == resumed
    assert readmodel.state(busy).traces == 600


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_reading_the_same_again_writes_nothing(busy):
    read_all(busy)
    with file.writing(busy) as connection:
        connection.execute("UPDATE slot SET print = ''")
        written = []
        connection.set_trace_callback(lambda words: written.append(words))
        filling.fill(busy, connection, never, filling.Look(int(time.time() * 1000), 0))
    assert any("INTO quarter_sum" in words for words in written)
    assert not any("INTO trace" in words or "INTO words" in words or "INTO mark" in words for words in written)


def test_a_damaged_or_missing_file_is_made_again(busy):
    read_all(busy)
    whole = content(busy)
    file.path(busy).write_bytes(b"nothing that SQLite knows" * 100)
    for suffix in ("-wal", "-shm"):
        file.path(busy).with_name(file.path(busy).name + suffix).unlink(missing_ok=True)
    readmodel.catch_up(busy, 30)
    assert content(busy) == whole
    file.path(busy).unlink()
    readmodel.catch_up(busy, 30)
    assert content(busy) == whole
    with file.writing(busy) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    held = file.path(busy).read_bytes()
    file.path(busy).write_bytes(held[:size] + b"\xff" * (len(held) - size))
    with pytest.raises(NotReadyError):
        content(busy)
    readmodel.catch_up(busy, 30)
    assert content(busy) == whole


def test_a_full_disk_is_a_sentence_and_the_file_goes_on_afterwards(busy, now, monkeypatch):
    read_all(busy)
    before = readmodel.state(busy).traces
    trace_maker.write(store(busy), busy.app.experiment_id, trace_maker.traces(trace_maker.Made(200, now, 4)))
    connected = file._connect

    def full(*given, **more):
        connection = connected(*given, **more)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(file, "_connect", full)
        with pytest.raises(PlatformError, match="database or disk is full") as raised:
            readmodel.catch_up(busy, 30)
    assert raised.value.retryable and "free space" in str(raised.value.remedy)
    readmodel.catch_up(busy, 30)
    assert readmodel.state(busy).traces == before + 200


def test_traces_that_come_late_and_out_of_order_stand_at_their_own_times(workspace, monkeypatch):
    monkeypatch.setattr(filling, "SMALL", 0)  # as a long history, of which only a part is looked at each time
    new = leave(workspace, "New?", hours_ago=1)
    readmodel.catch_up(workspace, 60)
    older = leave(workspace, "From before the two days?", hours_ago=60)
    late = leave(workspace, "A day late?", hours_ago=26)
    middle = leave(workspace, "Two hours late?", hours_ago=2)
    start, expected = following.now(), [[new, middle, late], [new, middle, late, older]]
    for minutes, there in zip((6, 70), expected, strict=True):
        monkeypatch.setattr(following, "now", lambda minutes=minutes: start + minutes * following.MINUTE)
        readmodel.catch_up(workspace, 60)
        assert ids(workspace) == there
    quarters = start // (15 * 60_000)
    assert readmodel.verify(workspace, (quarters - 4 * 70) * 15 * 60_000, (quarters + 4) * 15 * 60_000).fine


def test_a_clock_that_was_put_back_hides_no_late_change(busy, monkeypatch):
    """What was read an hour ahead of time looks newer than it is."""
    read_all(busy)
    right = following.now()
    with monkeypatch.context() as ahead:
        ahead.setattr(following, "now", lambda: right + 3 * following.HOUR)
        read_all(busy)
    with file.writing(busy) as connection:
        assert following.look(busy, connection, small=False).since == 0
        filling.fill(busy, connection, never)
        assert file.meta(connection, "looked") < right + following.HOUR


def test_the_api_tells_the_same_as_the_tables(busy, monkeypatch):
    leave(busy, "Where?", origin="probe", error=True, prompt='[{"name": "a", "version": "2"}]')
    id = leave(busy, "配送", run="r1", origin=None)
    mlflow.log_feedback(trace_id=id, name="broken", error=ValueError("no judge"))
    mlflow.log_expectation(trace_id=id, name="wanted", value="x", source=human("eve"))
    window = int(time.time() * 1000) - 6 * 3_600_000, int(time.time() * 1000) + 1000

    def facts(history):
        return sorted(history.facts(busy, *window), key=lambda one: one.trace_id)

    by_sql = facts(source.of(busy))
    assert len(by_sql) > 10
    assert [replaced(one) for one in facts(ApiHistory())] == [replaced(one) for one in by_sql]


def test_a_screen_never_reads_everything_by_the_api(busy, monkeypatch):
    monkeypatch.setattr(source, "of", lambda workspace: ApiHistory())
    readmodel.catch_up(busy, 60)
    first = readmodel.state(busy)
    assert (first.complete, first.looked_at) == (False, None) and first.traces < 100
    read_all(busy)
    assert readmodel.state(busy).complete and readmodel.state(busy).traces == 600
    with file.reading(busy) as connection:
        again, opened = filling.look(busy, connection), filling.glance(busy, connection)
    assert again.now - again.since == filling.RECENT == opened.now - opened.since


def replaced(fact):
    """MLflow's API tells a trace's cost from its metadata, which rows made in bulk do not have."""
    return replace(fact, cost=None, tokens=None, tokens_in=None, tokens_out=None, session="")


def test_words_are_found_in_both_languages(workspace):
    order = leave(workspace, "配送はいつですか", "Tomorrow, with DHL.")
    wide = leave(workspace, "ＡＢＣの返金", "ガイドをご覧ください")
    readmodel.catch_up(workspace, 5)
    for words, found in (
        ("配送", [order]),
        ("いつですか", [order]),
        ("か", [order]),
        ("返金", [wide]),
        ("abc", [wide]),
        ("ｶﾞｲﾄﾞ", [wide]),
        ("dhl tomorrow", [order]),
        ("配送 返金", []),
        ("\"'*", []),
        ("い", [wide, order]),
    ):
        assert sorted(ids(workspace, text=words)) == sorted(found), words


def test_pages_lead_to_older_and_newer(busy):
    readmodel.catch_up(busy, 30)
    everything = ids(busy)
    ask = {"hours": 200, "limit": 250}
    first = readmodel.find(busy, TraceQuery(**ask))
    second = readmodel.find(busy, TraceQuery(**ask, before=first.older))
    third = readmodel.find(busy, TraceQuery(**ask, before=second.older))
    assert [row.trace_id for page in (first, second, third) for row in page.rows] == everything
    assert (first.newer, third.older) == (None, None)
    back = readmodel.find(busy, TraceQuery(**ask, after=third.newer))
    assert back.rows == second.rows
    assert readmodel.find(busy, TraceQuery(**ask, after=back.newer)).newer is None


def test_first_words_are_those_of_the_streamed_answers(busy, now):
    readmodel.catch_up(busy, 30)
    made = [one for one in trace_maker.traces(trace_maker.Made(600, now, 4)) if one.first is not None]
    end = now // 3_600_000 * 3_600_000
    for edges in ((end - 4 * DAY, end), (end - DAY, end)):
        within = [one.first for one in made if edges[0] <= one.at < edges[1]]
        total = readmodel.read(busy, Window(edges)).total
        assert total.streamed == len(within) > 30
        assert total.first == pytest.approx(np.percentile(within, [50, 90, 95, 99]).tolist(), rel=sketch.ERROR)
    assert readmodel.read(busy, Window((0, 900_000))).total.streamed == 0


def test_a_long_window_adds_up_to_its_parts(busy, now):
    readmodel.catch_up(busy, 30)
    end = now // 3_600_000 * 3_600_000
    days = tuple(range(end - 4 * DAY, end + 1, DAY))
    coarse = readmodel.read(busy, Window(days))
    fine = readmodel.read(busy, Window((days[0] + 900_000, *days[1:], end)))
    assert coarse.buckets[2] == fine.buckets[2]
    assert coarse.total.count == sum(one.count for one in coarse.buckets)
    assert sum(one.count for one in coarse.by_prompt.values()) == coarse.total.count
    one = next(iter(coarse.by_model))
    assert readmodel.read(busy, Window(days, model_id=one)).total == coarse.by_model[one]


def test_sketches_merge_as_their_values_do():
    left, right = [0, 1, 5, 250, 251, 8000], [3, 99, 100_000]
    whole, nothing, first, second = sketch.pack([left + right, [], left, right])
    assert nothing == b"" and sketch.merged([first, second]) == whole
    found = sketch.percentiles(sketch.grouped([whole, b""], [0, 1], 2), (0, 0.5, 1))
    assert found[0] == pytest.approx([0, 99, 100_000], rel=sketch.ERROR)
    assert found[1].tolist() != found[1].tolist()  # nothing counted: nan


def test_conversations_stand_together(workspace):
    made = trace_maker.Made(8, int(time.time() * 1000), 1)
    trace_maker.write(store(workspace), workspace.app.experiment_id, trace_maker.traces(made))
    copy = leave(workspace, origin="shadow", more={"mlflow.trace.session": "s-1"})
    readmodel.catch_up(workspace, 5)
    newest, older = readmodel.conversations(workspace, TraceQuery(hours=48, origin=None))
    assert (newest.session, newest.turns, older.turns) == ("s-1", 4, 4)
    assert newest.first.time < newest.newest.time
    (alone,) = readmodel.conversations(workspace, TraceQuery(hours=48, origin="shadow"))
    assert (alone.session, alone.turns, alone.newest.trace_id) == ("s-1", 1, copy)


def test_an_empty_question_is_empty_not_json(workspace):
    leave(workspace, question="")
    readmodel.catch_up(workspace, 60)
    assert [one.question for one in readmodel.find(workspace, TraceQuery()).rows] == [""]
