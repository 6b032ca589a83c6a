"""Much content is saved by a job: it goes on where it was cut off, and nobody reads or writes half a dataset."""

import os

import pytest

from services import datasets, jobs
from services.datasets import Row, saving, unfinished
from services.errors import ConflictError, NotReadyError, PlatformError
from services.jobs import State, Work
from services.messages import Message


class Cut(BaseException):
    """The process ends here."""


def rows_of(n):
    return [Row("", f"Question {number}?", f"Answer {number}.") for number in range(n)]


def asked(workspace, id):
    return [row.question for row in datasets.rows(workspace, id)]


def work_of(workspace):
    job = jobs.claim(workspace.engine)
    return Work(workspace.engine, job)


@pytest.fixture
def in_pairs(monkeypatch):
    monkeypatch.setattr(saving, "AT_ONCE", 2)


def test_many_questions_are_saved_by_a_job(workspace, finish):
    rows = rows_of(saving.AT_ONCE + 1)

    id = saving.create(workspace, "Many", rows)
    for refused in (datasets.snapshot, lambda *of: datasets.save_rows(*of, rows_of(2))):
        with pytest.raises(NotReadyError, match="is being saved"):
            refused(workspace, id)
    ended = finish(workspace, unfinished.latest(workspace, id))

    assert ended.state is State.DONE, ended.error
    assert (ended.done, ended.total) == (len(rows), len(rows))
    assert asked(workspace, id) == [row.question for row in rows]
    assert [one.rows for one in datasets.history(workspace, id)] == [len(rows)]
    assert not list((workspace.settings.home / "saving").iterdir())


def test_few_questions_are_saved_at_once(workspace):
    made = datasets.create(workspace, "Few", rows_of(2))

    assert saving.save(workspace, made.id, rows_of(4), made.updated_at) is None
    assert len(asked(workspace, made.id)) == 4 and unfinished.latest(workspace, made.id) is None


def test_a_saving_that_was_cut_off_goes_on(workspace, in_pairs, monkeypatch):
    made = datasets.create(workspace, "Questions", rows_of(3))
    wanted = [*rows_of(9)[1:], Row(datasets.row_id("Question 0?"), "Question nought?", "Answer 0.")]
    saving.save(workspace, made.id, wanted, made.updated_at)
    work = work_of(workspace)

    def cut(done, total):
        if done:
            raise Cut

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(work, "progress", cut)
        saving.run(workspace, work)
    assert 3 < len(asked(workspace, made.id)) < 9
    jobs.requeue(workspace.engine, work.job)
    saving.run(workspace, work_of(workspace))

    assert asked(workspace, made.id) == [row.question for row in wanted]
    assert [one.rows for one in datasets.history(workspace, made.id)] == [9, 3]


def test_a_saving_that_is_cancelled_leaves_a_way_back(workspace, in_pairs, monkeypatch):
    made = datasets.create(workspace, "Questions", rows_of(3))
    job = saving.save(workspace, made.id, rows_of(9), made.updated_at)
    work = work_of(workspace)
    merge = type(saving.stored.load(workspace, made.id)).merge_records

    def cancelling(found, records):
        jobs.cancel(workspace, job.id)
        return merge(found, records)

    with monkeypatch.context() as patch, pytest.raises(jobs.Cancelled):
        patch.setattr(type(saving.stored.load(workspace, made.id)), "merge_records", cancelling)
        patch.setattr(work, "progress", lambda done, total: work.save(work.checkpoint))
        saving.run(workspace, work)
    jobs.stop(workspace.engine, work.job)

    first = datasets.history(workspace, made.id)[-1]
    assert [one.rows for one in datasets.history(workspace, made.id)] == [5, 3]
    datasets.restore(workspace, made.id, first.sha256)
    assert len(asked(workspace, made.id)) == 3


def test_a_saving_that_broke_off_is_used_by_nobody_until_it_is_saved_again(workspace, in_pairs, monkeypatch, finish):
    made = datasets.create(workspace, "Questions", rows_of(3))
    whole = datasets.snapshot(workspace, made.id)
    saving.save(workspace, made.id, rows_of(9), made.updated_at)
    work, parts = work_of(workspace), []
    merge = type(saving.stored.load(workspace, made.id)).merge_records

    def failing(found, records):
        parts.append(len(records))
        if len(parts) > 2:
            raise PlatformError(Message("MLflow is away."), Message("Wait."))
        return merge(found, records)

    with monkeypatch.context() as patch, pytest.raises(PlatformError) as told:
        patch.setattr(type(saving.stored.load(workspace, made.id)), "merge_records", failing)
        saving.run(workspace, work)
    jobs.fail(workspace.engine, work.job, told.value)
    assert 3 < len(asked(workspace, made.id)) < 9
    for refused in (datasets.snapshot, datasets.whole_rows, lambda *of: datasets.add_rows(*of, rows_of(2))):
        with pytest.raises(NotReadyError, match="Only a part of the dataset Questions was saved"):
            refused(workspace, made.id)

    ended = finish(workspace, saving.resume(workspace, made.id))

    assert ended.state is State.DONE, ended.error
    assert [row.question for row in datasets.snapshot(workspace, made.id).rows] == asked(workspace, made.id)
    assert len(asked(workspace, made.id)) == 9 and [one.rows for one in datasets.history(workspace, made.id)] == [9, 3]
    with pytest.raises(NotReadyError, match="not kept"):
        saving.resume(workspace, made.id)
    datasets.restore(workspace, made.id, whole.sha256)


def test_a_saving_that_broke_off_is_mended_by_the_way_back(workspace, in_pairs):
    made = datasets.create(workspace, "Questions", rows_of(3))
    whole = datasets.snapshot(workspace, made.id)
    saving.save(workspace, made.id, rows_of(9), made.updated_at)
    work = work_of(workspace)
    work.save({"begun": True})
    jobs.fail(workspace.engine, work.job, PlatformError(Message("MLflow is away."), Message("Wait.")))
    with pytest.raises(NotReadyError, match="Only a part"):
        datasets.snapshot(workspace, made.id)

    datasets.restore(workspace, made.id, whole.sha256)

    assert datasets.snapshot(workspace, made.id).sha256 == whole.sha256
    with pytest.raises(NotReadyError, match="not kept"):
        saving.resume(workspace, made.id)


def test_who_saves_at_the_same_moment_is_told_that_it_was_not_saved(workspace, in_pairs):
    made = datasets.create(workspace, "Questions", rows_of(3))
    found = saving.stored.load(workspace, made.id)
    first = saving.start(workspace, found, rows_of(9))
    old = workspace.settings.home / "saving" / first.args["file"]
    os.utime(old, (0, 0))

    with pytest.raises(ConflictError, match="yours was not saved"):
        saving.start(workspace, found, rows_of(7))

    assert list(old.parent.iterdir()) == [old]


def test_what_somebody_saved_before_the_job_began_stays(workspace, in_pairs, finish):
    made = datasets.create(workspace, "Questions", rows_of(3))
    job = saving.save(workspace, made.id, rows_of(9), made.updated_at)
    saving.stored.load(workspace, made.id).merge_records([{"inputs": datasets.inputs("From a notebook?")}])

    ended = finish(workspace, job)

    assert ended.state is State.FAILED and "was changed while you worked" in str(ended.error)
    assert "From a notebook?" in asked(workspace, made.id) and len(asked(workspace, made.id)) == 4
    with pytest.raises(ConflictError):
        saving.save(workspace, made.id, rows_of(9), made.updated_at)
