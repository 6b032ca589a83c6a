"""Approval: asked for by the service, void after any change, never given to one's own where four eyes are required."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from services import apps, audit, database, interlocks, prompts, releases
from services.apps import Gate
from services.errors import BlockedError, ConflictError, ForbiddenError, InvalidInputError
from services.interlocks import Circumstances, Light
from services.people import Actor, Role
from services.releases import Kind, Pair, State, approving, records
from services.releases.approving import ApprovalRule, Standing, Who
from services.workspace import Workspace

GRACE = Actor("grace", frozenset({Role.APPROVER}))
AUTHOR = Actor("alan", frozenset({Role.AUTHOR}))


@pytest.fixture
def proposed(workspace: Workspace):
    """Ada wrote the prompt version and proposed it: nothing is live yet, so only the approval is asked here."""
    prompts.save(workspace, "greeting", "Be brief.", "")
    nothing = asdict(Pair(None, None, None))
    moves = {"prompt": "greeting", "before": nothing, "after": asdict(Pair("m-1", None, 1)), "evaluation": "r-1"}
    return workspace, records.add(workspace, Kind.AGENT, moves, "")


def standing(workspace, id):
    return approving.approval(workspace, releases.get(workspace, id)).standing


def by(workspace, actor):
    return replace(workspace, actor=actor)


def test_without_a_rule_nobody_is_asked(proposed):
    workspace, id = proposed
    assert standing(workspace, id) is Standing.NOT_NEEDED
    approving.hold(workspace, releases.get(workspace, id))


@pytest.mark.parametrize("who", [Who.ONE, Who.FOUR_EYES])
def test_the_service_refuses_to_start_what_nobody_approved(proposed, who):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(who))
    with pytest.raises(BlockedError, match="waits for an approval"):
        releases.start(workspace, id)
    assert releases.get(workspace, id).state is State.PROPOSED


def test_one_may_approve_ones_own_where_one_is_enough(proposed):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    approving.approve(workspace, id, "tried it")
    assert standing(workspace, id) is Standing.APPROVED
    assert [(one.actor, one.approved, one.reason) for one in approving.decisions(workspace, id)] == [
        ("ada", True, "tried it")
    ]


def test_four_eyes_refuse_the_proposer_and_the_writer_also_past_the_page(proposed):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES))
    assert not approving.may_decide(workspace, releases.get(workspace, id))
    with pytest.raises(ForbiddenError, match="ada proposed release"):
        approving.approve(workspace, id)
    # Another person's proposal of a version that Ada wrote is hers as well.
    moves = records.moves_of(releases.get(workspace, id))
    other = records.add(by(workspace, GRACE), Kind.AGENT, moves, "")
    with pytest.raises(ForbiddenError):
        approving.approve(workspace, other)
    with pytest.raises(ForbiddenError):
        approving.approve(by(workspace, GRACE), other)
    approving.approve(by(workspace, GRACE), id)
    assert standing(workspace, id) is Standing.APPROVED


def test_a_rule_made_stricter_takes_an_own_approval_back(proposed):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    approving.approve(workspace, id)
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES))
    with pytest.raises(BlockedError):
        approving.hold(workspace, releases.get(workspace, id))


@pytest.mark.parametrize("change", ["gate", "evaluation", "settings"])
def test_a_change_after_the_approval_voids_it(proposed, change):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    approving.approve(by(workspace, GRACE), id)
    if change == "gate":
        apps.save_gate(workspace, Gate({}, rows=2))
        workspace = workspace.for_app(apps.get(workspace, "support"))
    elif change == "evaluation":
        records.set_findings(workspace, releases.get(workspace, id), [], {"evaluation": "r-2"})
    else:
        workspace.client.set_prompt_version_tag("greeting", "1", "_mlflow_prompt_model_config", '{"temperature": 1.5}')
    assert standing(workspace, id) is Standing.CHANGED
    with pytest.raises(BlockedError, match="has changed since"):
        releases.start(workspace, id)


def test_the_number_that_the_registry_gives_later_voids_nothing(proposed):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    approving.approve(by(workspace, GRACE), id)
    found = releases.get(workspace, id)
    moves = records.moves_of(found) | {"after": asdict(replace(found.after, agent_version=7))}
    records.set_state(workspace, id, State.RUNNING, moves=moves)
    assert standing(workspace, id) is Standing.APPROVED


def test_an_approval_expires_before_the_start_but_not_under_way(proposed, monkeypatch):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE, hours=2))
    approving.approve(by(workspace, GRACE), id)
    later = database.now() + timedelta(hours=3)
    with pytest.raises(InvalidInputError, match="ends before that time"):
        releases.start(workspace, id, later)
    monkeypatch.setattr(approving, "now", lambda: later)
    assert standing(workspace, id) is Standing.EXPIRED
    # A pointer that an interlock stopped has not moved: resuming it days later needs another look.
    records.set_step(workspace, id, "shift", state="failed")
    assert standing(workspace, id) is Standing.EXPIRED
    approving.hold(workspace, releases.get(workspace, id), started=True)


def test_a_rejection_has_a_reason_and_holds_until_somebody_approves(proposed):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    with pytest.raises(InvalidInputError):
        approving.reject(by(workspace, GRACE), id, "  ")
    approving.reject(by(workspace, GRACE), id, "too curt")
    with pytest.raises(BlockedError, match="was rejected"):
        releases.start(workspace, id)
    approving.approve(by(workspace, GRACE), id)
    assert standing(workspace, id) is Standing.APPROVED


def test_only_approvers_decide_and_only_admins_set_the_rule(proposed):
    workspace, id = proposed
    for act in (lambda w: approving.approve(w, id), lambda w: approving.reject(w, id, "no")):
        with pytest.raises(ForbiddenError):
            act(by(workspace, AUTHOR))
    with pytest.raises(ForbiddenError):
        approving.save_rule(by(workspace, GRACE), ApprovalRule())
    with pytest.raises(InvalidInputError):
        approving.save_rule(workspace, ApprovalRule(Who.ONE, hours=0))


def test_what_has_moved_or_is_over_cannot_be_decided_on(proposed):
    workspace, id = proposed
    records.set_step(workspace, id, "shift", state="done")
    for state in (State.UNPROVEN, State.LIVE):
        records.set_state(workspace, id, state)
        with pytest.raises(ConflictError):
            approving.approve(workspace, id)


@pytest.mark.parametrize("state", [State.BLOCKED, State.FAILED, State.STOPPED])
def test_what_stopped_half_way_can_be_approved_again(proposed, state):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    records.set_state(workspace, id, state)
    approving.approve(by(workspace, GRACE), id)
    assert (standing(workspace, id), releases.get(workspace, id).state) == (Standing.APPROVED, state)


def test_a_rule_set_later_does_not_hold_the_proof_of_what_is_live_already(proposed):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    records.set_step(workspace, id, "shift", state="done")
    records.set_state(workspace, id, State.UNPROVEN)
    with pytest.raises(ConflictError, match="has changed since"):  # of what is live, not of an approval
        releases.start(workspace, id)


def test_nobody_approves_what_they_have_not_seen(proposed):
    workspace, id = proposed
    seen = approving.subject(workspace, releases.get(workspace, id))
    records.set_findings(workspace, releases.get(workspace, id), [], {"evaluation": "r-2"})
    for act in (approving.approve, approving.reject):
        with pytest.raises(ConflictError, match="while you looked"):
            act(workspace, id, "fine", seen)
    assert approving.decisions(workspace, id) == []


def test_a_reason_that_names_another_release_decides_nothing_there(proposed):
    workspace, id = proposed
    other = records.add(workspace, Kind.AGENT, records.moves_of(releases.get(workspace, id)), "")
    approving.reject(workspace, other, f"release {id}")
    assert approving.decisions(workspace, id) == [] and len(approving.decisions(workspace, other)) == 1


def test_a_prompt_version_that_was_deleted_voids_its_approval_and_breaks_nothing(proposed):
    workspace, id = proposed
    prompts.save(workspace, "greeting", "Be kind.", "")
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES))
    approving.approve(by(workspace, GRACE), id)
    workspace.client.delete_prompt_version("greeting", "1")
    assert standing(workspace, id) is Standing.CHANGED


def test_new_labels_of_the_prompt_void_nothing(proposed):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    approving.approve(workspace, id)
    prompts.label(workspace, "greeting", 1, {"title": "Brief"})
    assert standing(workspace, id) is Standing.APPROVED


def test_decisions_stand_in_the_audit_chain(proposed):
    workspace, id = proposed
    approving.approve(by(workspace, GRACE), id, "fine")
    done = [one for one in audit.about(workspace, f"release {id}") if one.outcome == "done"]
    assert [(one.verb, one.actor, one.why) for one in done] == [("approve_release", "grace", "fine")]
    assert audit.broken_at(workspace.engine) is None


def test_the_interlock_of_the_approval_follows_it_without_another_check(proposed, monkeypatch):
    workspace, id = proposed
    approving.save_rule(workspace, ApprovalRule(Who.ONE, hours=2))
    waiting = interlocks.agreement(Circumstances(agreement=True))
    records.set_findings(workspace, releases.get(workspace, id), [waiting], {})

    def told():
        (found,) = releases.standing(workspace, releases.get(workspace, id)).findings
        return found.light, str(found.found)

    assert told() == (Light.AMBER, "It waits for an approval and cannot start before.")
    approving.approve(by(workspace, GRACE), id)
    assert told() == (Light.GREEN, "grace agreed to exactly this.")
    with monkeypatch.context() as later:
        later.setattr(approving, "now", lambda: database.now() + timedelta(hours=3))
        assert told() == (Light.AMBER, "The approval by grace has expired.")
    approving.reject(by(workspace, GRACE), id, "too curt")
    assert told() == (Light.AMBER, "grace rejected it.")
    assert "ask grace to look again" in str(releases.standing(workspace, releases.get(workspace, id)).findings[0].mend)
    # What has ended keeps what was found then.
    records.set_state(workspace, id, State.WITHDRAWN)
    approving.save_rule(workspace, ApprovalRule())
    assert told() == (Light.AMBER, "It waits for an approval and cannot start before.")
