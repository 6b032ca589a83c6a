"""Kill the worker at every step of a release, and the gateway and a served version: the end is the same."""

import os
import signal
import time

import pytest
from sqlalchemy import select

from services import agents, audit, database, jobs, production, prompts, releases
from services.processes.lock import held, read
from services.releases import STEPS, Kind, State
from tests.train.conftest import PROMPT

pytestmark = pytest.mark.timeout(900)  # real processes, on whatever machine


def kill(train, name):
    path = train.workspace.settings.run_folder / f"{name}.lock"
    os.kill(read(path)["pid"], signal.SIGKILL)
    until(lambda: not held(path))


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
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


def served(workspace):
    with workspace.engine.connect() as connection:
        return connection.execute(select(database.served)).one()
