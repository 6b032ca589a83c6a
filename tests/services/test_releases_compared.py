"""A new version in the shadow and in an A/B test, as the release's job runs them."""

import json
from dataclasses import asdict, replace

import pytest

from services import agents, audit, jobs, production, releases, traces, verdicts
from services.audit import Verb
from services.database import now
from services.errors import BlockedError, ConflictError, InvalidInputError
from services.messages import Message
from services.releases import KEEP, MOVE, Proposal, State, looking, sharing, stopping
from services.releases.canary import ERRORS, Measure
from services.releases.plan import Part, Plan, Way
from services.traces import TraceQuery, erasing
from tests.left_traces import leave
from tests.services.test_releases_canary import BEFORE, SOON, proposed
from tests.services.test_releases_running import left, run
from tests.standing import answered, gateway, taken

__all__ = ["proposed"]


def compare(proposed, *parts, alarm=0.05):
    """A release of the second version that takes these parts, and what is needed beside it."""
    workspace, propose, agents_ = proposed
    id = propose()
    plan = Plan(parts, alarm=alarm).to_json()
    found = releases.get(workspace, id)
    moves = releases.records.moves_of(found) | {"canary": plan}
    releases.records.set_state(workspace, id, State.WITHDRAWN)
    stored = releases.records.add(workspace, found.kind, moves, "")
    for name in BEFORE:
        releases.records.set_step(workspace, stored, name, state="done")
    releases.records.set_state(workspace, stored, State.RUNNING)
    return workspace, stored, agents_


def copied(workspace, agents_, n, bad):
    for number in range(n):
        leave(workspace, model_id=agents_[0], hours_ago=SOON, pair=f"p-{number}")
        leave(workspace, model_id=agents_[1], hours_ago=SOON, origin="shadow", pair=f"p-{number}", error=bad)


def copies_told(workspace):
    lines = audit.of_verbs(workspace, (Verb.COPY_QUESTIONS,))
    return [(one.before, one.after) for one in lines if one.outcome == "done"]


def ended(workspace, id, agents_):
    trace = left(workspace, agents_[1], 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        return run(workspace, id)


def test_a_shadow_without_harm_leads_on(proposed):
    workspace, id, agents_ = compare(proposed, Part(40, 3, way=Way.SHADOW))
    copied(workspace, agents_, 3, bad=False)
    leave(workspace, model_id=agents_[1], hours_ago=SOON, origin="shadow", pair="its live answer is not there yet")
    release, error = ended(workspace, id, agents_)
    assert (release.state, error, production.traffic(workspace)) == (State.LIVE, None, {2: 100})
    assert copies_told(workspace) == [(0, 40), (40, 0)]
    moved = [one.after for one in audit.of_verbs(workspace, (Verb.MOVE_TRAFFIC,)) if one.outcome == "done"]
    assert moved == [{"2": 100}]
    step = next(one for one in release.steps if one.name == "shadow 40")
    assert step.handle["answers"] == 3 and "3 conversations' questions were answered by both versions" in str(
        step.detail
    )
    assert "parcel" not in json.dumps(step.handle)
    assert {one.live.question for one in looking.couples(workspace, step)} == {"Where is my parcel?"}
    erasing.erase(workspace, step.handle["couples"][0][0], "A customer asked for it.")
    assert (
        len(looking.couples(workspace, step)) == 2 and traces.count(workspace, TraceQuery(origin="shadow"), 9)[0] == 3
    )
    assert step.handle["copies"] == {"copied": 0, "dropped": 0, "answered": 3, "unanswered": 0}


def test_a_conversation_counts_once_and_copies_that_nobody_answered_hold_the_shadow(proposed):
    workspace, id, agents_ = compare(proposed, Part(40, 1, way=Way.SHADOW))
    talk = {"mlflow.trace.session": "s-1"}
    at = iter(range(9))

    def asked(mark, twice):
        soon = SOON + 0.001 * -next(at)
        leave(workspace, model_id=agents_[0], hours_ago=soon, pair=mark, more=talk)
        if twice:
            leave(workspace, model_id=agents_[1], hours_ago=soon, origin="shadow", pair=mark, more=talk)

    since = now()
    asked("first", True)
    asked("its process died", False)
    asked("second", True)
    asked("still under way", False)
    seen = looking.copied(workspace, releases.get(workspace, id), since)
    assert [pair[0].tags["signalbox.pair"] for pair in seen.couples] == ["first"]
    assert (seen.answered, seen.unanswered, seen.holds) == (2, 1, True)


def test_a_shadow_held_by_unanswered_copies_goes_on_with_a_reason(proposed, monkeypatch):
    workspace, id, agents_ = compare(proposed, Part(40, 2, way=Way.SHADOW))
    for number, mark in enumerate(("first", "its process died", "second")):
        soon = SOON - 0.001 * number
        leave(workspace, model_id=agents_[0], hours_ago=soon, pair=mark)
        if mark != "its process died":
            leave(workspace, model_id=agents_[1], hours_ago=soon, origin="shadow", pair=mark)
    looks = []

    def let_go_on(seconds):
        looks.append(releases.get(workspace, id))
        if len(looks) == 2:
            assert "Copies were never answered" in str(releases.waiting.for_me(workspace)[0].what)
            with pytest.raises(InvalidInputError):
                releases.go_on(workspace, id, " ")
            releases.go_on(workspace, id, "the machine was restarted")
            with pytest.raises(ConflictError, match="does not wait"):
                releases.go_on(workspace, id, "twice")

    with pytest.raises(ConflictError, match="does not wait"):
        releases.go_on(workspace, id, "before it began")
    monkeypatch.setattr(sharing.time, "sleep", let_go_on)
    releases.records.set_job(workspace, id, jobs.submit(workspace, "release", {"release": id}).id)
    trace = left(workspace, agents_[1], 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        release, error = taken(workspace, id)
    assert (release.state, error, len(looks), looks[1].unanswered) == (State.LIVE, None, 2, "shadow 40")
    # Harm that comes after it would still count.
    assert release.overruled == ("shadow 40: unanswered copies",)
    told = [one.why for one in audit.of_verbs(workspace, (Verb.START_RELEASE,)) if "overruled" in str(one.after)]
    assert set(told) == {"the machine was restarted"}


def test_a_shadow_that_fails_questions_ends_before_anybody_met_it(proposed):
    workspace, id, agents_ = compare(proposed, Part(40, 13, way=Way.SHADOW), Part(50, 100), alarm=0.2)
    copied(workspace, agents_, 13, bad=True)
    release, error = run(workspace, id)
    assert release.state is State.FAILED and "0 % of its 13 answers are good, 100 % of the other's 13" in str(error)
    assert production.standing(workspace, 2) is None and production.traffic(workspace) == {1: 100}
    assert copies_told(workspace) == [(0, 40), (40, 0)]
    measures = [Measure(**one) for one in next(one.handle for one in release.steps if one.handle)["measures"]]
    assert next(one for one in measures if one.name == ERRORS).word == verdicts.WORSE


def test_a_stop_ends_the_copies_and_a_resumed_release_begins_anew(proposed):
    workspace, id, _ = compare(proposed, Part(40, 3, way=Way.SHADOW), Part(50, 100))
    releases.records.set_step(workspace, id, "shadow 40", state="running", handle={"at": "2026-01-01T00:00:00+00:00"})
    production.copy_questions(workspace, 2, 40, "test")
    assert not releases.get(workspace, id).sharing and production.standing(workspace, 2).shadow == 40
    stopping.halt(workspace, id)
    assert production.standing(workspace, 2).shadow == 0
    assert "at" not in releases.get(workspace, id).steps[len(BEFORE)].handle
    releases.withdraw(workspace, id)
    assert production.standing(workspace, 2) is None


@pytest.mark.parametrize("choice", [KEEP, MOVE])
def test_an_ab_test_waits_for_a_choice_and_does_it(proposed, monkeypatch, choice):
    workspace, id, agents_ = compare(proposed, Part(50, 2, way=Way.TEST))
    for agent in (*agents_, *agents_):
        leave(workspace, model_id=agent, hours_ago=SOON)
    looks = []

    def choose(seconds):
        looks.append(production.traffic(workspace))
        if len(looks) > 1:
            assert "choose which version" in str(releases.waiting.for_me(workspace)[0].what)
            with pytest.raises(InvalidInputError):
                releases.choose(workspace, id, choice, " ")
            releases.choose(workspace, id, choice, "people said so")
            with pytest.raises(ConflictError):
                releases.choose(workspace, id, choice, "twice")

    with pytest.raises(ConflictError, match="does not wait"):
        releases.choose(workspace, id, choice, "too early")
    monkeypatch.setattr(sharing.time, "sleep", choose)
    trace = left(workspace, agents_[1], 1, "Be brief for Acme.")
    job = jobs.submit(workspace, "release", {"release": id})
    releases.records.set_job(workspace, id, job.id)
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        release, error = taken(workspace, id)
    assert looks == [{1: 50, 2: 50}] * 2 and error is None
    step = next(one for one in release.steps if one.name == "test 50")
    words = {Measure(**one).word for one in step.handle["measures"]}
    assert words == {verdicts.UNSURE} and release.decided["test 50"]["why"] == "people said so"
    if choice == MOVE:
        assert release.state in (State.LIVE, State.UNPROVEN) and production.traffic(workspace) == {2: 100}
        return
    assert (release.state, step.state, production.traffic(workspace)) == (State.WITHDRAWN, "done", {1: 100})
    assert "people said so" in str(step.detail) and production.standing(workspace, 2) is None
    assert releases.waiting.for_me(workspace) == []


def decide(workspace, id, choice):
    moves = releases.records.moves_of(releases.get(workspace, id))
    said = {"test 50": {"choice": choice, "why": "people said so"}}
    releases.records.set_state(workspace, id, State.RUNNING, moves=moves | {"decided": said})


def test_a_test_that_comes_again_asks_for_another_choice_to_move(proposed):
    workspace, id, _ = compare(proposed, Part(50, 2, way=Way.TEST))
    harm = asdict(Measure(ERRORS, 9, 0.0, 9, 1.0, 70.0, 60.0))
    handle = {"at": "2026-01-01T00:00:00+00:00", "waits": True, "harm": [harm]}
    releases.records.set_step(workspace, id, "test 50", state="done", handle=handle)
    decide(workspace, id, MOVE)
    releases.running.end_badly(workspace, id, BlockedError(Message("The interlocks are red."), None))
    again = releases.get(workspace, id)
    assert (again.state, again.decided, sharing.shown(again)) == (State.BLOCKED, {}, [])


def test_who_chose_the_live_version_is_heeded_by_the_next_attempt_before_anything_moves(proposed):
    workspace, id, _ = compare(proposed, Part(50, 2, way=Way.TEST))
    handle = {"at": "2026-01-01T00:00:00+00:00", "waits": True}
    releases.records.set_step(workspace, id, "test 50", state="running", handle=handle)
    releases.records.set_step(workspace, id, "deploy", state="waiting")
    decide(workspace, id, KEEP)
    release, error = run(workspace, id)
    assert (release.state, error, release.decided["test 50"]["choice"]) == (State.WITHDRAWN, None, KEEP)
    done = [one for one in audit.of_verbs(workspace, (Verb.RETIRE, Verb.MOVE_TRAFFIC)) if one.outcome == "done"]
    assert [(one.verb, one.why) for one in done] == [("retire", f"release {id} kept the live version")]


def test_only_a_version_that_changes_nothing_elsewhere_is_shadowed(proposed, monkeypatch):
    workspace, _, agents_ = proposed
    with pytest.raises(InvalidInputError, match="Nobody has said"):
        releases.propose(workspace, Proposal(agents_[1], 1, shadow=True))
    with pytest.raises(InvalidInputError, match="cannot both share"):
        releases.propose(workspace, Proposal(agents_[1], 1, canary=True, test=True))
    made = releases.propose(workspace, Proposal(agents_[1], 1, test=True, shadow=True, harmless=True))
    assert [one.name for one in made.steps if " " in one.name] == ["shadow 20", "test 50"]
    assert str(releases.consequences.of_start(workspace, made).after) == "prompt version 1 with a new agent version"
    proposal = audit.of_verbs(workspace, (Verb.PROPOSE_RELEASE,))[-1]
    assert proposal.after["changes_nothing"] is True

    # What was registered on its way to staging is no new version.
    name = agents.registered_name(workspace)
    workspace.client.create_registered_model(name)
    workspace.client.create_model_version(name, f"models:/{agents_[1]}")
    made = releases.propose(workspace, Proposal(agents_[1], 1))
    assert str(releases.consequences.of_start(workspace, made).after) == "prompt version 1 with agent version 1"
    assert made.after.agent_version is None and releases.records.moves_of(made)["registered"] == 1

    found = agents.get(workspace, agents_[1])
    tool = {"name": "refund", "asks": True, "server": ""}
    asking = replace(found, config={"tools": [tool]})
    assert "refund" in str(releases.unshadowed(workspace, asking))
    server = {"name": "shop", "asks": "never"}
    unasked = replace(found, config={"tools": [tool | {"asks": False, "server": "shop"}], "mcp_servers": [server]})
    assert "shop" in str(releases.unshadowed(workspace, unasked))
    assert releases.unshadowed(workspace, replace(found, config={"tools": [tool | {"asks": False}]})) is None
    rules = replace(workspace.platform.serving.rules, copies=False)
    monkeypatch.setattr(type(workspace.platform.serving), "rules", rules)
    assert "cannot copy questions" in str(releases.unshadowed(workspace, found))
    with pytest.raises(InvalidInputError, match="cannot copy"):
        releases.propose(workspace, Proposal(agents_[1], 1, shadow=True, harmless=True))
