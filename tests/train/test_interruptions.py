"""Kill the worker at every step of a release, and the gateway and a served version: the end is the same."""

import os
import signal
import time

import pytest
from sqlalchemy import select

from services import agents, audit, database, jobs, production, prompts, releases, traces
from services.processes.lock import held, read
from services.releases import STEPS, Kind, Proposal, State, canary
from services.releases.plan import Part, Plan, Way
from services.traces import TraceQuery
from tests.train.conftest import PROMPT
from tests.train.test_canary import asked

pytestmark = pytest.mark.timeout(900)  # real processes, on whatever machine


def kill(train, name):
    path = train.workspace.settings.run_folder / f"{name}.lock"
    os.kill(read(path)["pid"], signal.SIGKILL)
    until(lambda: not held(path))


def until(true, seconds=60, what="it"):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what} has not come about in {seconds} s"
        time.sleep(0.02)


def reached(train, release, step):
    return any(one.name == step and one.state != "waiting" for one in releases.get(train.workspace, release.id).steps)


@pytest.mark.parametrize("step", STEPS[Kind.AGENT])
def test_a_worker_killed_at_any_step_leaves_a_release_that_resumes(train, start_worker, step):
    workspace = train.workspace
    first = train.prompts()[0]
    agent = train.agent(first)
    train.evaluate(agent, first)
    release = train.start(agent, first)
    until(lambda: reached(train, release, step))
    kill(train, "worker")
    start_worker()

    ended = train.finished(release)
    assert (ended.state, ended.proof.prompt_version) == (State.LIVE, first)
    assert [one.state for one in ended.steps] == ["done"] * len(ended.steps)
    assert prompts.live(workspace, PROMPT).version == first
    assert len(workspace.client.search_model_versions(f"name = '{agents.registered_name(workspace)}'")) == 1
    assert workspace.client.get_registered_model(agents.registered_name(workspace)).aliases == {"champion": 1}
    with workspace.engine.connect() as connection:
        rows = connection.execute(select(database.served)).all()
    assert [(row.version, row.weight, row.state) for row in rows] == [(1, 100, "ready")]
    assert audit.broken_at(workspace.engine) is None
    moved = [one for one in audit.events(workspace) if one.verb == "move_traffic" and one.outcome == "done"]
    assert len(moved) <= 1


def test_a_release_killed_in_every_part_that_compares_ends_like_an_undisturbed_one(train, start_worker):
    """The worker dies right after each remote call, before or after its answer is stored; gateway and version die too."""
    workspace = train.workspace
    first = train.prompts()[0]
    old, new = (train.agent(first, pinned=True) for _ in range(2))
    for agent in (old, new):
        train.evaluate(agent, first)
    train.release(old, first)
    canary.save_plan(workspace, Plan((Part(20, 3), Part(50, 3)), shadow=Part(100, 3, way=Way.SHADOW)))
    proposal = Proposal(new, first, canary=True, shadow=True, harmless=True)
    release = releases.start(workspace, releases.propose(workspace, proposal).id)

    def passed(step):
        if releases.get(workspace, release.id).done(step):
            return True
        asked(train, 2)
        time.sleep(0.5)
        return False

    def killed(step, called, also=None):
        until(called, 300, f"the call of {step}")
        kill(train, "worker")
        if also:
            also()
        start_worker()
        until(lambda: passed(step), 300, step)

    def kill_new():
        row = served(workspace, 2)
        os.kill(row.pid, signal.SIGKILL)
        until(lambda: (now := served(workspace, 2)).state == "ready" and now.pid != row.pid, 300, "the new process")

    killed("shadow 100", lambda: (there := production.standing(workspace, 2)) and there.shadow == 100)
    killed("canary 20", lambda: production.traffic(workspace) == {1: 80, 2: 20}, lambda: kill(train, "gateway"))
    killed("canary 50", lambda: production.traffic(workspace) == {1: 50, 2: 50}, kill_new)
    until(lambda: production.traffic(workspace) == {2: 100}, 300, "the move")
    kill(train, "worker")
    start_worker()
    ended = train.finished(release)

    assert (ended.state, ended.proof.model_id) == (State.LIVE, new)
    assert [one.state for one in ended.steps] == ["done"] * len(ended.steps)
    lines = audit.events(workspace)[::-1]
    tried = [one for one in lines if one.why == f"release {release.id}" and one.outcome == "intent"]
    assert [one.after for one in tried if one.verb == "move_traffic"] == [
        {"1": 80, "2": 20},
        {"1": 50, "2": 50},
        {"2": 100},
    ]
    assert [one.after for one in tried if one.verb == "copy_questions"] == [100, 0]
    assert workspace.client.get_registered_model(agents.registered_name(workspace)).aliases == {"champion": 2}
    rows = [served(workspace, version) for version in (1, 2)]
    assert [(row.weight, row.shadow, row.wanted) for row in rows] == [(0, 0, "up"), (100, 0, "up")]
    assert rows[1].copied >= 2 and audit.broken_at(workspace.engine) is None
    assert (
        traces.count(workspace, TraceQuery(origin="shadow"), 100)[0] >= 2 and not releases.live(workspace).moved_outside
    )


def test_a_stopped_release_resumes_where_it_stopped(train):
    first = train.prompts()[0]
    agent = train.agent(first)
    train.evaluate(agent, first)
    release = train.start(agent, first)
    until(lambda: reached(train, release, "register"))
    releases.stop(train.workspace, release.id)
    stopped = train.finished(release, jobs.State.CANCELLED)
    assert stopped.state is State.STOPPED
    resumed = train.finished(releases.start(train.workspace, release.id))
    assert resumed.state is State.LIVE


def test_a_stopped_first_release_that_is_withdrawn_leaves_nothing_behind(train):
    first = train.prompts()[0]
    agent = train.agent(first)
    train.evaluate(agent, first)
    release = train.start(agent, first)
    until(lambda: reached(train, release, "deploy"))
    releases.stop(train.workspace, release.id)
    stopped = train.finished(release, jobs.State.CANCELLED)

    releases.withdraw(train.workspace, stopped.id)

    assert production.alias(train.workspace, stopped.prompt_name) is None
    assert production.standing(train.workspace, 1) is None
    assert releases.get(train.workspace, stopped.id).state is State.WITHDRAWN


def test_a_killed_gateway_and_version_come_back_by_themselves(train):
    workspace = train.workspace
    first = train.prompts()[0]
    agent = train.agent(first)
    train.evaluate(agent, first)
    train.release(agent, first)
    request = {
        "input": [{"role": "user", "content": "Where is my parcel?"}],
        "custom_inputs": {"signalbox_origin": "probe"},
    }
    for kill_one in (lambda: kill(train, "gateway"), lambda: os.kill(served(workspace).pid, signal.SIGKILL)):
        before = served(workspace).pid
        kill_one()
        until(lambda before=before: (row := served(workspace)).state == "ready" and row.pid != before)
        assert workspace.platform.serving.ask(workspace, workspace.app.endpoint, request).text


def served(workspace, version=1):
    with workspace.engine.connect() as connection:
        return connection.execute(select(database.served).where(database.served.c.version == version)).one()
