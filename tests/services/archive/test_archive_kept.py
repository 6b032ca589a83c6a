"""What may not be lost from the archive, and what may not come back, whoever does something else meanwhile."""

import threading

import pytest

from services import archive, jobs, readmodel
from services.archive import keeping, plan, schema, table, verifying
from services.errors import NotReadyError
from services.people import CONSOLE
from services.traces import erasing
from tests.archived import content, truth, work
from tests.left_traces import leave


def quiet(done, total):
    return None


def held(workspace):
    return [one for one, _digest in content(workspace)]


def test_what_mlflow_lost_by_age_stays_whatever_is_chosen_later(workspace, monkeypatch):
    monkeypatch.setattr(plan, "LEAST_IN_MLFLOW", 1)
    old = leave(workspace, hours_ago=100)
    archive.start(workspace)
    work(workspace)
    archive.change_ages(workspace, None, 2)
    assert work(workspace)["relieved"] == 1 and truth(workspace) == []

    archive.change_ages(workspace, None, None)
    late = leave(workspace, hours_ago=100)
    work(workspace)
    archive.check(workspace)
    found = work(workspace, archive.ACT)
    assert (found["kept"], found["left"], found["compared"]) == (1, [], 1)
    assert sorted(held(workspace)) == sorted([old, late])
    assert [one for one, _digest in truth(workspace)] == [late], "nothing more is deleted from MLflow"


def test_what_is_deleted_for_good_is_not_brought_back_meanwhile(workspace, monkeypatch):
    left = leave(workspace, "My name is Taroemon.")
    archive.start(workspace)
    work(workspace)
    day = schema.day_of(workspace.client.get_trace(left).info.request_time)
    bringing = threading.Thread(target=keeping.put_back, args=(workspace, day, day, quiet))
    forget = readmodel.forget

    def brought_back_between(*given):
        bringing.start()
        bringing.join(2)
        forget(*given)

    monkeypatch.setattr(readmodel, "forget", brought_back_between)
    erasing.erase(workspace, left, "A customer asked for it.")
    bringing.join()
    assert truth(workspace) == [] and held(workspace) == []


def test_a_comparison_undoes_neither_a_stop_nor_a_deletion(workspace):
    leave(workspace, hours_ago=1)
    archive.start(workspace)
    work(workspace)
    table.read(workspace).delete()
    archive.check(workspace)

    found = verifying.verify(workspace, plan.load(workspace), once(lambda: archive.stop(workspace)))
    assert (len(found.missing), found.mended, held(workspace)) == (1, 0, [])
    assert not [job for job in jobs.recent(workspace, archive.ACT) if job.live]
    with pytest.raises(NotReadyError):
        verifying.verify(workspace, plan.load(workspace), once(lambda: archive.delete(workspace, "Nobody reads it.")))
    assert table.read(workspace) is None


def once(act):
    """Told how far the work is, it does that at the first time."""
    acts = [act]
    return lambda done, total: acts.pop()() if acts else None


def test_what_is_started_again_while_the_stopped_one_still_runs_goes_on(workspace):
    left = leave(workspace)
    archive.start(workspace)
    while (taken := jobs.claim(workspace.engine)).kind != archive.FOLLOW:
        jobs.finish(workspace.engine, taken, {})
    assert taken.actor == CONSOLE.id, "it goes on when who started it may not any more"
    archive.stop(workspace)
    with pytest.raises(jobs.Cancelled):
        archive.run(workspace, jobs.Work(workspace.engine, taken))
    assert archive.start(workspace).id == taken.id
    archive.run(workspace, jobs.Work(workspace.engine, taken))
    assert held(workspace) == [left]


def test_two_changes_of_the_plan_undo_neither(workspace):
    archive.start(workspace)
    others = [lambda: archive.stop(workspace)]

    def held_back(now):
        if others:
            others.pop()()
        return plan.hold(now, [plan.today()])

    plan.change(workspace, held_back)
    now = plan.load(workspace)
    assert not now.on and list(now.put_back) == [str(plan.today())]
