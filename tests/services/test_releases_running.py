"""A release as its job runs it, on a real store: what is left when a step fails half way, and what is cleared away."""

import json
from dataclasses import replace
from datetime import timedelta

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from sqlalchemy import update

from services import jobs, production, prompts, releases, traces
from services.database import job as job_table
from services.database import now
from services.errors import BlockedError, ConflictError, ForbiddenError, InvalidInputError, PlatformError
from services.jobs import Work
from services.messages import Message
from services.people import Actor, Role
from services.prompts import ChatMessage, Content
from services.releases import Kind, Pair, State, asking, records, stopping
from tests.left_traces import leave
from tests.standing import answered, gateway, logged, refused, stand, stored, taken

NOTHING = Pair(None, None, None)
CHAT = Content((ChatMessage("system", "You speak for {{company_name}}."), ChatMessage("user", "{{question}}")))


@pytest.fixture
def written(workspace, monkeypatch):
    """Three versions of a prompt; the proof is looked for once, and so is an answer to the smoke question."""
    monkeypatch.setattr(asking, "SECONDS_TO_SMOKE", -1)
    monkeypatch.setattr(asking, "SECONDS_TO_PROOF", -0.6)
    for text in ("Be brief for Acme.", "Be kind for Acme.", "Be exact for Acme."):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def run(workspace, id):
    """The job of release `id`, in this process; returns the release as it ended, and what was raised."""
    jobs.submit(workspace, "release", {"release": id})
    return taken(workspace, id)


def left(workspace, model_id, version, sent):
    """The trace of an answer that loaded that prompt version and sent those words to the model."""
    return leave(
        workspace,
        origin="probe",
        sent=sent,
        prompt=json.dumps([{"name": "greeting", "version": str(version)}]),
        model_id=model_id,
    )


@pytest.fixture
def half_rolled_back(written):
    """A rollback from agent 2 with prompt 2 to agent 1 with prompt 1, while the alias was moved to 3 outside."""
    one, two = logged(written, "greeting"), logged(written, "greeting")
    stand(written, 1, one)
    stand(written, 2, two, weight=100)
    old, bad = Pair(one, 1, 1), Pair(two, 2, 2)
    good = stored(written, Kind.AGENT, NOTHING, old, State.LIVE, done=("shift",))
    undone = stored(written, Kind.AGENT, old, bad, State.LIVE, done=("shift",))
    mlflow.genai.set_prompt_alias("greeting", "production", 3)
    back = stored(written, Kind.ROLLBACK, bad, old, undoes=undone, restores=good)
    return written, back, undone


def test_a_release_whose_traffic_moved_but_not_its_alias_is_unproven(half_rolled_back):
    workspace, back, undone = half_rolled_back
    ended, error = run(workspace, back)
    assert isinstance(error, ConflictError) and ended.error == error.message
    assert (ended.state, production.traffic(workspace)) == (State.UNPROVEN, {1: 100})
    assert ended.startable and not ended.done("shift")
    assert releases.live(workspace).moved_outside
    assert releases.get(workspace, undone).state is State.LIVE
    assert releases.rollback_target(workspace) is None


def test_a_release_that_moved_half_way_is_resumed_to_its_end(half_rolled_back):
    workspace, back, undone = half_rolled_back
    run(workspace, back)
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    releases.start(workspace, back)
    trace = left(workspace, releases.get(workspace, back).after.model_id, 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        ended, error = run(workspace, back)
    assert (ended.state, error, production.alias(workspace, "greeting")) == (State.LIVE, None, 1)
    assert releases.get(workspace, undone).state is State.TAKEN_BACK


@pytest.fixture
def two_live(written):
    """Agent 1 was live, agent 2 is; a third release is planned for tomorrow and holds the pointer."""
    agents = [logged(written, "greeting", pinned=1) for _ in range(2)]
    stand(written, 1, agents[0])
    stand(written, 2, agents[1], weight=100)
    first, second = (Pair(agent, n, 1) for n, agent in enumerate(agents, 1))
    stored(written, Kind.AGENT, NOTHING, first, State.LIVE, done=("shift",))
    stored(written, Kind.AGENT, first, second, State.LIVE, done=("shift",))
    planned = stored(written, Kind.PROMPT, second, replace(second, prompt_version=2))
    key = f"pointer:{written.app.id}"
    job = jobs.submit(written, "release", {"release": planned}, exclusive=key, due=now() + timedelta(days=1))
    return written, planned, job


def test_a_way_back_does_not_wait_for_a_planned_release(two_live):
    workspace, planned, job = two_live
    found = releases.get(workspace, planned)
    assert found.working and found.job_id == job.id and found.due_at is not None
    with pytest.raises(InvalidInputError, match="no reason"):
        releases.roll_back(workspace, " ")
    assert releases.get(workspace, planned).working
    back = releases.roll_back(workspace, "bad answers")
    assert back.working and back.after.agent_version == 1
    assert (releases.get(workspace, planned).state, jobs.get(workspace, job.id).live) == (State.STOPPED, False)
    with pytest.raises(ConflictError, match="on its way"):
        releases.roll_back(workspace, "clicked twice")
    assert releases.get(workspace, back.id).working


def test_a_way_back_asks_a_running_release_to_stop(two_live, monkeypatch):
    workspace, planned, job = two_live
    rows = update(job_table).where(job_table.c.id == job.id).values(due_at=now())
    with workspace.engine.begin() as connection:
        connection.execute(rows)
    work = Work(workspace.engine, jobs.claim(workspace.engine))
    monkeypatch.setattr(stopping, "SECONDS_TO_STOP", 0.0)
    with pytest.raises(ConflictError, match="asked to stop"):
        releases.roll_back(workspace, "bad answers")
    assert releases.get(workspace, planned).stopping
    with pytest.raises(jobs.Cancelled):
        releases.run(workspace, work)
    jobs.stop(workspace.engine, work.job)
    assert releases.get(workspace, planned).state is State.STOPPED
    assert releases.roll_back(workspace, "bad answers").working


def test_what_has_ended_cannot_be_stopped_while_its_job_clears_away(two_live, monkeypatch):
    workspace, planned, job = two_live
    records.set_state(workspace, planned, State.LIVE)
    assert releases.get(workspace, planned).finishing
    with pytest.raises(ConflictError, match="not running"):
        releases.stop(workspace, planned)
    monkeypatch.setattr(stopping, "SECONDS_TO_STOP", 0.0)
    with pytest.raises(ConflictError, match="its evidence is being kept"):
        stopping.make_way(workspace)
    assert jobs.get(workspace, job.id).live


def test_a_job_that_is_left_moves_nothing_for_a_withdrawn_release(two_live):
    workspace, planned, job = two_live
    records.set_state(workspace, planned, State.WITHDRAWN)
    with pytest.raises(ConflictError, match="withdrawn before it ran"):
        releases.run(workspace, Work(workspace.engine, job))
    assert releases.get(workspace, planned).state is State.WITHDRAWN


def test_an_alias_that_moved_although_the_answer_was_lost_is_unproven(written, monkeypatch):
    agent = logged(written, "greeting")
    stand(written, 1, agent, weight=100)
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    set_alias = mlflow.genai.set_prompt_alias

    def set_and_lose(*arguments):
        set_alias(*arguments)
        raise MlflowException("the connection broke", TEMPORARILY_UNAVAILABLE)

    monkeypatch.setattr(mlflow.genai, "set_prompt_alias", set_and_lose)
    back = stored(written, Kind.ROLLBACK, Pair(agent, 1, 2), Pair(agent, 1, 1), done=("ready",))
    ended, error = run(written, back)
    assert "the connection broke" in str(error)
    assert (ended.state, production.alias(written, "greeting")) == (State.UNPROVEN, 1)


@pytest.mark.parametrize(("before", "status"), [(None, 502), (3, 429), (None, 500)])
def test_a_failed_first_release_leaves_nothing_behind(written, before, status):
    agent = logged(written, "greeting")
    stand(written, 1, agent)
    if before:
        mlflow.genai.set_prompt_alias("greeting", "production", before)
    first = stored(
        written, Kind.AGENT, NOTHING, Pair(agent, 1, 1), done=("preflight", "register", "scorers"), evaluation=None
    )
    with gateway(written.settings.gateway_port, lambda n: refused(status)) as asked:
        ended, error = run(written, first)
    assert asked == ["/endpoints/support/versions/1/invocations"] and str(status) in str(error)
    assert ended.error == error.message and ended.remedy == error.remedy is not None
    assert (ended.state, production.alias(written, "greeting")) == (State.FAILED, before)
    assert production.standing(written, 1) is None
    assert [one.name for one in ended.steps if one.state == "waiting"] == ["deploy", "ready", "shift", "proof"]
    assert ended.startable


def test_the_smoke_test_waits_out_a_busy_model(written, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS_TO_SMOKE", 20)
    agent = logged(written, "greeting")
    stand(written, 1, agent)
    trace = left(written, agent, 1, "Be brief for Acme.")
    first = stored(
        written, Kind.AGENT, NOTHING, Pair(agent, 1, 1), done=("preflight", "register", "scorers", "deploy", "ready")
    )
    told = {1: refused(429), 2: refused(503)}
    with gateway(written.settings.gateway_port, lambda n: told.get(n, answered(trace))) as asked:
        _, error = run(written, first)
    # Nothing was evaluated, so the step after it is blocked.
    assert isinstance(error, BlockedError) and len(asked) == 3


def away(*arguments, **named):
    raise PlatformError(Message("The platform is away."))


def test_at_the_end_what_nobody_needs_is_retired(written, monkeypatch):
    agents = [logged(written, "greeting", pinned=1) for _ in range(4)]
    for version, agent in enumerate(agents, 1):
        stand(written, version, agent, weight=100 if version == 4 else 0, state="failed" if version == 2 else "ready")
    pairs = [Pair(agent, version, 1) for version, agent in enumerate(agents, 1)]
    stored(written, Kind.AGENT, NOTHING, pairs[0], State.LIVE, done=("shift",))
    stored(written, Kind.AGENT, pairs[0], pairs[2], State.LIVE, done=("shift",))
    newest = stored(written, Kind.AGENT, pairs[2], pairs[3], done=releases.STEPS[Kind.AGENT])
    with monkeypatch.context() as broken:
        broken.setattr(production, "retire", away)
        ended, error = run(written, newest)
    assert (ended.state, error) == (State.LIVE, None)
    ended, _ = run(written, newest)
    endpoint = written.platform.serving.endpoint(written, "support")
    assert ended.state is State.LIVE
    assert [one.version for one in endpoint.versions] == [4, 3]
    assert releases.rollback_target(written).after == pairs[2]


@pytest.fixture
def taking_back(written, monkeypatch):
    """A rollback of the alias to a version with that content, up to its proof."""

    def begin(content):
        monkeypatch.setattr(asking, "SECONDS_TO_PROOF", 20)
        agent = logged(written, "greeting")
        stand(written, 1, agent, weight=100)
        version = prompts.save(written, "greeting", content, "").version
        mlflow.genai.set_prompt_alias("greeting", "production", version)
        pair = Pair(agent, 1, version)
        return stored(written, Kind.ROLLBACK, replace(pair, prompt_version=1), pair, done=("ready", "shift"))

    return begin


def test_the_proof_waits_out_a_busy_endpoint(written, taking_back):
    id = taking_back("Be calm for Acme.")
    trace = left(written, releases.get(written, id).after.model_id, 4, "Be calm for Acme.")
    told = {1: refused(429), 2: refused(503), 3: refused(502)}
    with gateway(written.settings.gateway_port, lambda n: told.get(n, answered(trace))):
        ended, _ = run(written, id)
    assert (ended.state, ended.proof.probes, ended.proof.trace_id) == (State.LIVE, 4, trace)


def test_the_proof_waits_out_a_busy_store_of_traces(written, taking_back, monkeypatch):
    id = taking_back("Be calm for Acme.")
    trace = left(written, releases.get(written, id).after.model_id, 4, "Be calm for Acme.")
    wait, busy = traces.wait_for, iter(range(2))

    def wait_for(*arguments):
        if next(busy, None) is not None:
            raise PlatformError(Message("MLflow is busy."), retryable=True)
        return wait(*arguments)

    monkeypatch.setattr(traces, "wait_for", wait_for)
    with gateway(written.settings.gateway_port, lambda n: answered(trace)):
        ended, _ = run(written, id)
    assert (ended.state, ended.proof.probes) == (State.LIVE, 3)


def test_an_endpoint_that_refuses_the_question_is_asked_once(written, taking_back):
    id = taking_back("Be calm for Acme.")
    with gateway(written.settings.gateway_port, lambda n: refused(400)) as asked:
        ended, error = run(written, id)
    assert (ended.state, len(asked), error.retryable) == (State.UNPROVEN, 1, False)


def test_a_chat_prompt_is_proven_by_its_messages(written, taking_back):
    id = taking_back(CHAT)
    trace = left(written, releases.get(written, id).after.model_id, 4, "You speak for Acme.")
    with gateway(written.settings.gateway_port, lambda n: answered(trace)):
        assert run(written, id)[0].state is State.LIVE


def test_a_chat_prompt_that_was_not_sent_is_no_proof(written, taking_back, monkeypatch):
    id = taking_back(CHAT)
    monkeypatch.setattr(asking, "SECONDS_TO_PROOF", -0.6)
    trace = left(written, releases.get(written, id).after.model_id, 4, "Ignore what you were told.")
    with gateway(written.settings.gateway_port, lambda n: answered(trace)):
        ended, error = run(written, id)
    assert ended.state is State.UNPROVEN and "did not send it to the model" in str(error)


@pytest.fixture
def moved_outside(written, monkeypatch):
    """Release 1 made agent 1 with prompt 1 live; a script then pointed the alias at version 2."""
    monkeypatch.setattr(asking, "SECONDS_TO_PROOF", 20)
    agent = logged(written, "greeting")
    stand(written, 1, agent, weight=100)
    last = stored(written, Kind.AGENT, NOTHING, Pair(agent, 1, 1), State.LIVE, done=("shift",))
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    assert releases.live(written).moved_outside
    return written, agent, last


def test_what_was_moved_outside_is_put_back_and_proven(moved_outside):
    workspace, agent, last = moved_outside
    back = releases.put_back(workspace, "nobody knows who did it")
    assert (back.kind, back.after, back.restores) == (Kind.ROLLBACK, Pair(agent, 1, 1), last)
    trace = left(workspace, agent, 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        ended, error = taken(workspace, back.id)
    assert (ended.state, error, production.alias(workspace, "greeting")) == (State.LIVE, None, 1)
    assert not releases.live(workspace).moved_outside
    assert releases.get(workspace, last).state is State.LIVE


def test_what_was_moved_outside_is_adopted_once_it_is_proven(moved_outside):
    workspace, agent, last = moved_outside
    with pytest.raises(InvalidInputError):
        releases.adopt(workspace, " ")
    adopted = releases.adopt(workspace, "an urgent mend by hand")
    trace = left(workspace, agent, 2, "Be kind for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        ended, error = taken(workspace, adopted.id)
    assert (ended.kind, ended.state, error) == (Kind.ADOPTION, State.LIVE, None)
    assert production.alias(workspace, "greeting") == 2 and ended.proof.prompt_version == 2
    now = releases.live(workspace)
    assert (now.moved_outside, now.release.id) == (False, adopted.id)
    assert releases.rollback_target(workspace).id == last
    notes = releases.evidence.gather(workspace, adopted.id)
    assert notes.release.why == "an urgent mend by hand"


def test_an_adoption_takes_over_nothing_that_moved_again(moved_outside):
    workspace, _, _ = moved_outside
    adopted = releases.adopt(workspace, "an urgent mend by hand")
    mlflow.genai.set_prompt_alias("greeting", "production", 3)
    ended, error = taken(workspace, adopted.id)
    assert isinstance(error, ConflictError) and ended.state is State.FAILED
    assert releases.live(workspace).moved_outside


def test_split_traffic_is_a_move_that_is_put_back_and_never_adopted(moved_outside):
    workspace, agent, _ = moved_outside
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    stand(workspace, 2, logged(workspace, "greeting"))
    workspace.platform.serving.shift(workspace, "support", {1: 60, 2: 40})
    now = releases.live(workspace)
    assert (now.moved_outside, now.split, now.pair.agent_version) == (True, True, 1)
    with pytest.raises(ConflictError, match="share the traffic"):
        releases.adopt(workspace, "half of it is right")
    workspace.platform.serving.shift(workspace, "support", {1: 40, 2: 60})
    back = releases.put_back(workspace, "nobody knows who did it")
    trace = left(workspace, agent, 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        ended, error = taken(workspace, back.id)
    assert (ended.state, error, production.traffic(workspace)) == (State.LIVE, None, {1: 100})


def test_an_agent_with_another_prompt_is_adopted_under_that_prompt(moved_outside):
    workspace, _, _ = moved_outside
    prompts.save(workspace, "farewell", "Say goodbye for Acme.", "")
    mlflow.genai.set_prompt_alias("farewell", "production", 1)
    other = logged(workspace, "farewell")
    stand(workspace, 2, other)
    workspace.platform.serving.shift(workspace, "support", {2: 100})
    adopted = releases.adopt(workspace, "an urgent mend by hand")
    assert (adopted.prompt_name, adopted.after) == ("farewell", Pair(other, 2, 1))


def test_where_nothing_was_moved_nothing_is_put_back_or_adopted(moved_outside):
    workspace, _, _ = moved_outside
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    for act in (releases.put_back, releases.adopt):
        with pytest.raises(ConflictError, match="Nothing was moved"):
            act(workspace, "why")
    with pytest.raises(ForbiddenError):
        releases.adopt(replace(workspace, actor=Actor("grace", frozenset({Role.AUTHOR}))), "why")
