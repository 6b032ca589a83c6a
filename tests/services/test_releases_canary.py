"""The canary as its job runs it: the traffic moves in parts, stays with the old version where the new one does harm."""

from dataclasses import replace

import mlflow
import pytest

from services import audit, interlocks, jobs, production, prompts, releases
from services.errors import ConflictError, ForbiddenError, InvalidInputError, PlatformError
from services.messages import Message
from services.people import Actor, Role
from services.releases import Kind, Pair, Proposal, State, asking, canary, sharing, stopping, waiting
from services.releases.plan import Action, Part, Plan
from tests.left_traces import leave
from tests.services.test_releases_running import left, run, stored, taken
from tests.standing import answered, gateway, logged, stand

BEFORE = ("preflight", "register", "scorers", "deploy", "ready", "smoke")
SOON = -0.02


@pytest.fixture
def proposed(workspace, monkeypatch):
    """Agent 1 is live with prompt 1, agent 2 stands at 0 %; returns what proposes agent 2 with that plan."""
    monkeypatch.setattr(asking, "SECONDS_TO_PROOF", 20)
    monkeypatch.setattr(sharing, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(sharing, "BUSY", 0)
    monkeypatch.setitem(interlocks.PROTECTED, "shift", ())
    prompts.save(workspace, "greeting", "Be brief for Acme.", "")
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    agents = [logged(workspace, "greeting", pinned=1) for _ in range(2)]
    stand(workspace, 1, agents[0], weight=100)
    stand(workspace, 2, agents[1])
    old, new = Pair(agents[0], 1, 1), Pair(agents[1], 2, 1)
    stored(workspace, Kind.AGENT, Pair(None, None, None), old, State.LIVE, done=("shift",))

    def propose(*parts, action=Action.ROLL_BACK):
        plan = Plan(parts or (Part(50, 7),), action).to_json()
        return stored(workspace, Kind.AGENT, old, new, done=BEFORE, canary=plan)

    return workspace, propose, agents


def asked(workspace, agents, n, bad):
    """Live answers of both versions; the new one's fail where `bad`."""
    for _ in range(n):
        leave(workspace, model_id=agents[0], hours_ago=SOON)
        leave(workspace, model_id=agents[1], hours_ago=SOON, error=bad)


def test_without_harm_the_traffic_moves_part_by_part_to_the_proof(proposed):
    workspace, propose, agents = proposed
    id = propose(Part(5, 3), Part(50, 3))
    assert [one.name for one in releases.get(workspace, id).steps][-4:] == ["canary 5", "canary 50", "shift", "proof"]
    asked(workspace, agents, 3, bad=False)
    trace = left(workspace, agents[1], 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        ended, error = run(workspace, id)
    assert (ended.state, error, production.traffic(workspace)) == (State.LIVE, None, {2: 100})
    moves = [one.after for one in audit.about(workspace, f"release {id}") if one.verb == "move_traffic"]
    assert moves[::2] == [{"1": 95, "2": 5}, {"1": 50, "2": 50}, {"2": 100}]
    told = {one.name: one.detail for one in ended.steps}
    assert "3 answers, no harm shown" in str(told["canary 5"])


def test_harm_takes_the_traffic_back_and_the_release_has_failed(proposed):
    workspace, propose, agents = proposed
    id = propose()
    asked(workspace, agents, 7, bad=True)
    ended, error = run(workspace, id)
    assert isinstance(error, PlatformError) and "0 % of its 7 answers are good, 100 % of the other's 7" in str(error)
    assert (ended.state, production.traffic(workspace)) == (State.FAILED, {1: 100})
    assert production.standing(workspace, 2) is None and not releases.live(workspace).moved_outside
    seen = next(one.handle["measures"] for one in ended.steps if one.name == "canary 50")
    worst = next(one for one in seen if one["name"] == canary.ERRORS)
    assert worst["evidence"] > worst["line"]


def test_a_pause_keeps_the_version_and_is_resumed_with_fresh_eyes(proposed):
    workspace, propose, agents = proposed
    id = propose(action=Action.PAUSE)
    asked(workspace, agents, 7, bad=True)
    ended, error = run(workspace, id)
    assert (ended.state, error, production.traffic(workspace)) == (State.STOPPED, None, {1: 100})
    assert "does worse" in str(ended.error) and ended.startable
    assert production.standing(workspace, 2) is not None
    assert canary.began(ended) == []
    releases.withdraw(workspace, id)
    assert production.standing(workspace, 2) is None


def test_a_recommendation_waits_for_somebody_to_overrule_it(proposed, monkeypatch):
    workspace, propose, agents = proposed
    id = propose(action=Action.RECOMMEND)
    asked(workspace, agents, 7, bad=True)
    with pytest.raises(ConflictError, match="does not wait"):
        releases.go_on(workspace, id, "the errors are known")
    looks = []

    def overrule(seconds):
        looks.append(releases.get(workspace, id))
        if len(looks) == 2:
            with pytest.raises(InvalidInputError):
                releases.go_on(workspace, id, " ")
            releases.go_on(workspace, id, "the errors are known")

    monkeypatch.setattr(sharing.time, "sleep", overrule)
    job = jobs.submit(workspace, "release", {"release": id})
    releases.records.set_job(workspace, id, job.id)
    trace = left(workspace, agents[1], 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        ended, _ = taken(workspace, id)
    assert len(looks) == 2 and ended.overruled == ("canary 50",) and ended.done("shift")


@pytest.fixture
def half(proposed):
    """A canary whose last part has ended: both versions answer, and no job is at it any more."""
    workspace, propose, _ = proposed
    id = propose()
    releases.records.set_step(workspace, id, "canary 50", state="done", handle={"at": "2026-01-01T00:00:00+00:00"})
    workspace.platform.serving.shift(workspace, "support", {1: 50, 2: 50})
    return workspace, id


def harm_of(name):
    return {"name": name, "answers": 7, "share": 0.0, "other_answers": 7, "other_share": 1.0} | {
        "evidence": 200.0,
        "line": 80.0,
    }


def test_what_an_attempt_decided_before_it_died_holds(half):
    workspace, id = half
    shown = {"at": "2026-01-01T00:00:00+00:00", "harm": [harm_of(canary.ERRORS)]}
    releases.records.set_step(workspace, id, "canary 50", state="running", handle=shown)
    workspace.platform.serving.shift(workspace, "support", {1: 100})
    ended, error = run(workspace, id)
    assert "does worse" in str(error) and ended.state is State.FAILED
    assert [one for one in audit.about(workspace, f"release {id}") if one.verb == "move_traffic"] == []
    with pytest.raises(ConflictError, match="does worse"):
        raise run(workspace, id)[1]


@pytest.mark.parametrize(("name", "says"), [(canary.TOKENS, "without a canary"), (canary.ERRORS, "Look at its traces")])
def test_harm_in_amounts_says_what_is_usual_and_that_it_may_be_worth_it(half, name, says):
    workspace, id = half
    shown = {"at": "2026-01-01T00:00:00+00:00", "harm": [harm_of(name)]}
    releases.records.set_step(workspace, id, "canary 50", state="running", handle=shown)
    workspace.platform.serving.shift(workspace, "support", {1: 100})
    ended, error = run(workspace, id)
    assert ("stay within the usual" in str(error)) is (name == canary.TOKENS)
    assert says in str(ended.remedy)


def test_a_canary_stopped_after_its_last_part_begins_anew(half):
    workspace, id = half
    stopping.halt(workspace, id)
    halted = releases.get(workspace, id)
    assert (halted.state, production.traffic(workspace), canary.began(halted)) == (State.STOPPED, {1: 100}, [])
    assert not halted.done("canary 50")


def test_what_nobody_watches_waits_and_is_taken_back_when_it_is_withdrawn(half, monkeypatch):
    workspace, id = half
    assert "interrupted half way" in str(waiting.for_me(workspace)[0].what)
    with monkeypatch.context() as broken:
        broken.setattr(production, "move_traffic", away)
        stopping.halt(workspace, id)
        halted = releases.get(workspace, id)
        assert halted.state is State.STOPPED and "may still answer a share" in str(halted.error)
        assert "interrupted half way" in str(waiting.for_me(workspace)[0].what)
        with pytest.raises(PlatformError, match="is away"):
            releases.withdraw(workspace, id)
    workspace.platform.serving.shift(workspace, "support", {2: 100})
    with pytest.raises(ConflictError, match="still gets 100 %"):
        releases.withdraw(workspace, id)
    workspace.platform.serving.shift(workspace, "support", {1: 50, 2: 50})
    releases.withdraw(workspace, id)
    assert (releases.get(workspace, id).state, production.traffic(workspace)) == (State.WITHDRAWN, {1: 100})


def away(*arguments):
    raise PlatformError(Message("The platform is away."))


def test_harm_once_shown_stays_until_it_is_overruled_or_resumed(half):
    workspace, id = half
    releases.records.set_step(workspace, id, "canary 50", handle={"harm": [harm_of("polite")]})
    release = releases.get(workspace, id)
    assert [one.name for one in sharing.shown(release)] == ["polite"]
    assert sharing.shown(replace(release, overruled=("canary 50",))) == []
    sharing.renew(workspace, release)
    assert sharing.shown(releases.get(workspace, id)) == []
    assert production.traffic(workspace) == {1: 100}


def test_a_stop_is_heard_between_two_looks(monkeypatch):
    class Stopped:
        def check(self):
            raise jobs.Cancelled

    monkeypatch.setattr(sharing, "SLICE", 0.01)
    with pytest.raises(jobs.Cancelled):
        sharing._rest(Stopped(), 600)


def test_what_share_an_answer_was_given_at_and_one_answer_per_conversation(proposed):
    workspace, propose, agents = proposed
    id = propose(Part(5, 1), Part(50, 1))
    for name, at in (("canary 5", "2026-01-01T00:00:00+00:00"), ("canary 50", "2026-01-01T01:00:00+00:00")):
        releases.records.set_step(workspace, id, name, handle={"at": at})
    release = releases.get(workspace, id)
    assert [percent for _, percent in canary.began(release)] == [5, 50]
    for conversation in ("c-1", "c-1", "c-2"):
        with mlflow.tracing.context(metadata={"mlflow.trace.session": conversation}):
            leave(workspace, model_id=agents[1])
    leave(workspace, model_id=agents[1], origin="probe")
    assert len(canary.answers(workspace, release)) == 2


def test_a_plan_must_grow_and_only_an_approver_changes_it(workspace):
    assert canary.plan(workspace) == Plan()
    for parts in ((), (Part(25, 1), Part(5, 1)), (Part(99, 1),), (Part(5, 0),)):
        with pytest.raises(InvalidInputError):
            canary.save_plan(workspace, Plan(parts))
    canary.save_plan(workspace, Plan((Part(10, 20, 5),), Action.PAUSE, 0.01))
    assert canary.plan(workspace) == Plan((Part(10, 20, 5),), Action.PAUSE, 0.01)
    author = replace(workspace, actor=Actor("bob", frozenset({Role.AUTHOR})))
    with pytest.raises(ForbiddenError):
        canary.save_plan(author, Plan())


def test_nothing_is_shared_or_stored_where_it_cannot_be_checked(workspace, monkeypatch):
    prompts.save(workspace, "greeting", "Be brief.", "")
    agent = logged(workspace, "greeting", pinned=1)
    with monkeypatch.context() as broken:
        broken.setattr(interlocks, "check", away)
        with pytest.raises(PlatformError, match="is away"):
            releases.propose(workspace, Proposal(agent, 1))
    assert releases.all(workspace) == []
    with pytest.raises(InvalidInputError, match="must be a live agent version"):
        releases.propose(workspace, Proposal(agent, 1, canary=True))
