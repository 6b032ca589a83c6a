"""Durable jobs: done once, resumed, cancelled, fenced."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from services import jobs
from services.database import job as table
from services.database import now
from services.errors import ForbiddenError, NotFoundError
from services.jobs import HANDLERS, State, Superseded, Work
from services.messages import Message
from services.people import Actor, Role
from services.processes.worker import Worker


@pytest.fixture(autouse=True)
def handlers(monkeypatch):
    for name in ("count", "refuse", "crash", "wait", "overflow"):
        monkeypatch.setitem(HANDLERS, name, f"tests.services.job_handlers:{name}")


def rows(engine, id, **values):
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.id == id).values(**values))


def test_a_job_runs_and_keeps_its_result(workspace, finish):
    job = finish(workspace, jobs.submit(workspace, "count", {"to": 5}))
    assert (job.state, job.result, job.attempt) == (State.DONE, {"counted": 5, "as": "ada"}, 1)


def test_a_double_click_starts_one_job(workspace):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: jobs.submit(workspace, "count", {"to": 1}, exclusive="x").id, range(8)))
    assert len(ids) == 1


def test_an_error_keeps_its_next_step(workspace, finish):
    job = finish(workspace, jobs.submit(workspace, "refuse", {}))
    assert (job.state, job.error, job.remedy) == (State.FAILED, Message("No room for {n}.", n=3), Message("Make room."))


def test_a_defect_fails_with_a_plain_sentence(workspace, finish):
    job = finish(workspace, jobs.submit(workspace, "crash", {}))
    assert job.state is State.FAILED and "defect" in str(job.error)


def test_cancel_stops_a_running_job(workspace):
    worker = Worker(workspace.settings)
    job = jobs.submit(workspace, "wait", {})
    until(lambda: (worker.work(), jobs.get(workspace, job.id).done > 2)[1])
    jobs.cancel(workspace, job.id)
    until(lambda: (worker.work(), not jobs.get(workspace, job.id).live)[1])
    assert jobs.get(workspace, job.id).state is State.CANCELLED


def test_a_killed_child_is_tried_again(workspace):
    worker = Worker(workspace.settings)
    job = jobs.submit(workspace, "wait", {"stop_after": 2})
    until(lambda: (worker.work(), jobs.get(workspace, job.id).done > 0)[1])
    os.kill(worker.running[0].child.pid, signal.SIGKILL)
    until(lambda: (worker.work(), not jobs.get(workspace, job.id).live)[1])
    ended = jobs.get(workspace, job.id)
    assert (ended.state, ended.attempt) == (State.DONE, 2)


def test_a_roles_file_that_broke_is_told_on_the_job(workspace, finish, tmp_path):
    (tmp_path / "roles.toml").write_text("[roles\n")
    settings = replace(workspace.settings, identity="proxy", roles_file=tmp_path / "roles.toml")
    place = replace(workspace, platform=replace(workspace.platform, settings=settings))
    ended = finish(place, jobs.submit(place, "count", {"to": 1}))
    assert ended.state is State.FAILED
    assert "roles file" in str(ended.error) and "[roles] table" in str(ended.remedy)


def test_a_job_whose_end_finds_no_room_is_tried_again(workspace, finish):
    ended = finish(workspace, jobs.submit(workspace, "overflow", {}))
    assert (ended.state, ended.attempt, ended.result) == (State.DONE, 2, {"kept": True})


def test_a_job_that_keeps_dying_is_given_up(workspace):
    job = jobs.submit(workspace, "count", {"to": 1})
    for _ in range(jobs.MOST_ATTEMPTS):
        jobs.requeue(workspace.engine, jobs.claim(workspace.engine))
    ended = jobs.get(workspace, job.id)
    assert ended.state is State.FAILED and "given up" in str(ended.error)


@pytest.mark.parametrize(("kind", "args"), [("release", {"release": 1}), ("evaluate", {"where": "workspace"})])
def test_a_release_and_what_follows_work_elsewhere_outlive_clean_stops(workspace, kind, args):
    job = jobs.submit(workspace, kind, args)
    for _ in range(jobs.MOST_ATTEMPTS + 1):
        jobs.requeue(workspace.engine, jobs.claim(workspace.engine), clean=True)
    rows(workspace.engine, job.id, due_at=now())
    claimed = jobs.claim(workspace.engine)
    jobs.requeue(workspace.engine, replace(claimed, started_at=now() - timedelta(hours=1)))
    assert jobs.get(workspace, job.id).state is State.QUEUED
    jobs.requeue(workspace.engine, jobs.claim(workspace.engine))
    assert jobs.get(workspace, job.id).state is State.FAILED


def test_a_superseded_attempt_writes_nothing(workspace):
    job = jobs.submit(workspace, "count", {"to": 1})
    first = Work(workspace.engine, jobs.claim(workspace.engine))
    rows(workspace.engine, job.id, lease_until=now() - timedelta(seconds=1))
    second = Work(workspace.engine, jobs.claim(workspace.engine))

    with pytest.raises(Superseded):
        first.save({"mine": True})
    jobs.finish(workspace.engine, first.job, {"late": True})
    second.save({"mine": False})
    assert jobs.get(workspace, job.id).checkpoint == {"mine": False}
    assert jobs.get(workspace, job.id).state is State.RUNNING


def test_a_recurring_job_waits_for_its_next_time(workspace):
    job = jobs.submit(workspace, "count", {"to": 1}, exclusive="tick", every=60)
    jobs.finish(workspace.engine, jobs.claim(workspace.engine), {})
    assert jobs.claim(workspace.engine) is None
    jobs.nudge(workspace.engine, "count", "support")
    assert jobs.claim(workspace.engine).id == job.id


def test_another_apps_job_does_not_exist(workspace, bare_workspace):
    job = jobs.submit(workspace, "count", {"to": 1})
    with pytest.raises(NotFoundError):
        jobs.get(bare_workspace, job.id)


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_release_goes_first_and_needs_no_free_place(workspace):
    jobs.submit(workspace, "count", {"to": 1})
    release = jobs.submit(workspace, "release", {"release": 1})
    assert jobs.claim(workspace.engine, only_releases=True).id == release.id
    assert jobs.claim(workspace.engine, only_releases=True) is None


def test_a_living_child_is_not_started_again_after_a_clock_jump(workspace):
    job = jobs.submit(workspace, "count", {"to": 1})
    jobs.claim(workspace.engine)
    rows(workspace.engine, job.id, lease_until=now() - timedelta(seconds=1))
    assert jobs.claim(workspace.engine, mine=[job.id]) is None


@pytest.mark.parametrize(
    ("kind", "queued", "right"),
    [
        ("count", {"every": 60, "due_at": 60}, 0),
        ("count", {"due_at": 0, "created_at": 0}, 0),
        ("count", {"due_at": 10, "created_at": 0}, 10),
        ("count", {"due_at": 0, "attempt": 1}, 0),
        ("release", {"due_at": 0, "created_at": 0}, 0),
    ],
)
def test_a_clock_that_was_put_back_holds_no_job_up(workspace, kind, queued, right):
    """`queued`: seconds after the time of a clock that was an hour ahead; `right`: when it is due by the right one."""
    job, began = jobs.submit(workspace, kind, {"to": 1}), now()
    ahead = began + timedelta(hours=1)
    times = {name: ahead + timedelta(seconds=value) for name, value in queued.items() if name.endswith("_at")}
    rows(workspace.engine, job.id, **queued | times)

    assert [jobs.put_right(workspace.engine), jobs.put_right(workspace.engine)] == [1, 0]
    with workspace.engine.connect() as connection:
        row = connection.execute(select(table).where(table.c.id == job.id)).one()
    assert timedelta(seconds=right) <= row.due_at - began < timedelta(minutes=30)
    assert row.created_at <= now()


@pytest.mark.parametrize(
    ("kind", "every", "due", "created"),
    [("count", 60, 60, 0), ("count", None, 86_400, 0), ("release", None, 7_200, 0), ("release", None, 7_200, 3_600)],
)
def test_what_waits_for_its_time_goes_on_waiting(workspace, kind, every, due, created):
    """A retry, the next time of what recurs, and a release whose time somebody chose, also by a clock that was ahead."""
    job, began = jobs.submit(workspace, kind, {"to": 1}), now()
    times = {"due_at": began + timedelta(seconds=due), "created_at": began + timedelta(seconds=created)}
    rows(workspace.engine, job.id, every=every, **times)
    assert jobs.put_right(workspace.engine) == 0


def test_stopping_a_release_is_the_approvers_right(workspace):
    job = jobs.submit(workspace, "release", {"release": 1})
    author = replace(workspace, actor=Actor("bob", frozenset({Role.VIEWER, Role.AUTHOR})))
    with pytest.raises(ForbiddenError):
        jobs.cancel(author, job.id)
    jobs.cancel(replace(workspace, actor=Actor("eve", frozenset({Role.VIEWER, Role.APPROVER}))), job.id)
    assert jobs.get(workspace, job.id).state is State.CANCELLED


def test_jobs_that_follow_work_elsewhere_leave_room_for_others(workspace):
    for _ in range(4):
        jobs.submit(workspace, "wait", {"where": "workspace"})
    here = jobs.submit(workspace, "count", {"to": 1})
    worker = Worker(workspace.settings)
    worker.work()
    try:
        assert len(worker.running) == 5
        until(lambda: (worker.work(), not jobs.get(workspace, here.id).live)[1])
    finally:
        for one in worker.running:
            one.child.kill()
