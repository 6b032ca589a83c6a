"""What waits for whom, and what was live at a moment of the past."""

from dataclasses import asdict, replace
from datetime import timedelta

from services import apps
from services.apps import Gate
from services.database import now
from services.people import Actor, Role
from services.releases import Kind, Pair, State, approving, offline, records, waiting
from services.releases.approving import ApprovalRule, Who

NOTHING = Pair(None, None, None)


def stored(workspace, state, version, moved=None):
    moves = {"prompt": "greeting", "before": asdict(NOTHING), "after": asdict(Pair("m-1", 1, version))}
    id = records.add(workspace, Kind.PROMPT, moves, "")
    records.set_state(workspace, id, state)
    if moved:
        records.set_step(workspace, id, "shift", state="done", ended_at=moved)
    return id


def told(workspace):
    return {one.release.id: str(one.what) for one in waiting.for_me(workspace)}


def test_a_proposal_waits_for_those_who_may_decide(workspace):
    id = stored(workspace, State.PROPOSED, 2)
    grace = replace(workspace, actor=Actor("grace", frozenset({Role.VIEWER, Role.APPROVER})))
    viewer = replace(workspace, actor=Actor("vic", frozenset({Role.VIEWER})))
    assert told(grace) == {id: "It may be started."} and told(viewer) == {}
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES))
    assert told(workspace) == {}, "its proposer cannot approve it"
    assert told(grace) == {id: "It waits for your approval."}
    approving.approve(grace, id)
    assert told(workspace) == {id: "It may be started."}
    approving.reject(grace, id, "It promises refunds.")
    assert (told(workspace), told(grace)) == ({id: "grace rejected it: read why, then withdraw it."}, {})


def test_an_approval_that_no_longer_counts_is_asked_for_anew(workspace, monkeypatch):
    id = stored(workspace, State.PROPOSED, 2)
    grace = replace(workspace, actor=Actor("grace", frozenset({Role.VIEWER, Role.APPROVER})))
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES, hours=1))
    approving.approve(grace, id)
    with monkeypatch.context() as later:
        later.setattr(approving, "now", lambda: now() + timedelta(hours=2))
        assert told(grace) == {id: "Its approval has expired: it waits for yours."} and told(workspace) == {}
    apps.save_gate(workspace, Gate({"polite": 0.9}))
    changed = workspace.for_app(apps.get(workspace, workspace.app.id))
    assert told(replace(changed, actor=grace.actor)) == {id: "It changed after its approval: it waits for yours."}


def test_what_stopped_half_way_waits_and_what_ended_does_not(workspace):
    stopped, unproven = stored(workspace, State.STOPPED, 2), stored(workspace, State.UNPROVEN, 3)
    stored(workspace, State.LIVE, 4)
    assert set(told(workspace)) == {stopped, unproven}


def test_the_past_knows_what_was_live_also_what_was_taken_back(workspace):
    start = now() - timedelta(days=3)
    first = stored(workspace, State.LIVE, 1, moved=start)
    second = stored(workspace, State.TAKEN_BACK, 2, moved=start + timedelta(days=1))
    asked = [waiting.at(workspace, start + timedelta(hours=hours)).release for hours in (-1, 1, 25, 71)]
    assert [one and one.id for one in asked] == [None, first, second, second]
    offline.take(workspace, "Please call us.", "it promised refunds")
    assert waiting.at(workspace, now()).offline and not waiting.at(workspace, start).offline
