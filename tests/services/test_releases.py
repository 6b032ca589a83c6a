"""Releases as records: what may be started, by whom, and what a rollback goes back to."""

from dataclasses import asdict, replace

import mlflow
import pytest

from services import prompts, releases
from services.database import now
from services.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, NotReadyError
from services.messages import Message
from services.people import Actor, Role
from services.prompts import bin
from services.releases import Kind, Pair, Proposal, State, pointer, records
from tests.standing import logged, stand

NOTHING = Pair(None, None, None)


def stored(workspace, state, after=1, kind=Kind.AGENT, **changes):
    """A release as an earlier day left it; `after` is its prompt version."""
    moves = {"prompt": "greeting", "before": asdict(NOTHING), "after": asdict(Pair("m-1", 1, after))}
    id = records.add(workspace, kind, moves | changes, "")
    records.set_state(workspace, id, state)
    if state in (State.LIVE, State.UNPROVEN, State.TAKEN_BACK):
        records.set_step(workspace, id, "shift", state="done", ended_at=now())
    return id


def test_a_new_release_waits_at_every_step(workspace):
    release = releases.get(workspace, stored(workspace, State.PROPOSED))
    assert {one.state for one in release.steps} == {"waiting"}
    assert release.startable


def test_another_apps_release_does_not_exist(workspace, bare_workspace):
    id = stored(workspace, State.PROPOSED)
    with pytest.raises(NotFoundError):
        releases.get(bare_workspace, id)


def test_a_change_on_an_old_reading_is_refused(workspace):
    id = stored(workspace, State.PROPOSED)
    read = releases.get(workspace, id).revision
    records.set_state(workspace, id, State.RUNNING, read)
    with pytest.raises(ConflictError):
        records.set_state(workspace, id, State.STOPPED, read)


def test_a_prompt_that_is_put_away_is_said_to_be_and_comes_back_first(workspace):
    prompts.save(workspace, "greeting", "Be brief.", "")
    bin.trash(workspace, "greeting")
    proposal = Proposal(logged(workspace, "greeting"), 1)
    with pytest.raises(InvalidInputError, match="“greeting” is in the trash"):
        releases.preflight(workspace, proposal)
    bin.restore(workspace, "greeting")
    bin.archive(workspace, "greeting")
    with pytest.raises(InvalidInputError, match=r"“greeting” is archived.*Bring it back"):
        releases.preflight(workspace, proposal)
    bin.archive(workspace, "greeting", archived=False)
    assert releases.preflight(workspace, proposal)


@pytest.mark.parametrize("state", [State.LIVE, State.TAKEN_BACK])
def test_an_ended_release_cannot_be_started_again(workspace, state):
    with pytest.raises(ConflictError):
        releases.start(workspace, stored(workspace, state))


def test_the_rollback_target_is_the_last_good_release(workspace):
    stored(workspace, State.LIVE, after=1)
    good = stored(workspace, State.LIVE, after=2)
    stored(workspace, State.FAILED, after=3)
    stored(workspace, State.UNPROVEN, after=4)
    assert releases.rollback_target(workspace).id == good


def test_after_a_rollback_the_restored_release_is_current(workspace):
    first = stored(workspace, State.LIVE, after=1)
    second = stored(workspace, State.TAKEN_BACK, after=2)
    stored(workspace, State.LIVE, after=1, kind=Kind.ROLLBACK, undoes=second, restores=first)
    assert pointer.newest_moved(workspace).id == first
    assert releases.rollback_target(workspace) is None


def test_the_promised_way_back_is_where_the_click_would_lead(workspace):
    for text in ("One.", "Two.", "Three.", "Four."):
        prompts.save(workspace, "greeting", text, "")
    stand(workspace, 1, "m-1", weight=100)
    first, second = (stored(workspace, State.LIVE, after=n) for n in (1, 2))
    proposed = stored(workspace, State.PROPOSED, after=4, before=asdict(Pair("m-1", 1, 1)))

    def promised(live_prompt):
        mlflow.genai.set_prompt_alias("greeting", "production", live_prompt)
        assert not releases.live(workspace).moved_outside
        told = releases.consequences.of_start(workspace, releases.get(workspace, proposed))
        return dict(told.undo.values).get("id")

    assert promised(2) == second
    unproven = stored(workspace, State.UNPROVEN, after=3)
    assert promised(3) == second
    stored(workspace, State.LIVE, after=2, kind=Kind.ROLLBACK, undoes=unproven, restores=second)
    assert promised(2) == second
    stored(workspace, State.LIVE, after=1, kind=Kind.ROLLBACK, undoes=second, restores=first)
    assert promised(1) == first


def test_without_an_earlier_release_there_is_nothing_to_go_back_to(workspace):
    stored(workspace, State.LIVE)
    with pytest.raises(NotReadyError, match="no earlier good release"):
        releases.roll_back(workspace, "bad answers")


def test_a_release_that_moved_nothing_can_be_withdrawn(workspace):
    for state in (State.PROPOSED, State.BLOCKED, State.FAILED, State.STOPPED):
        id = stored(workspace, State.PROPOSED)
        records.set_state(workspace, id, state)
        releases.withdraw(workspace, id)
        assert releases.get(workspace, id).state is State.WITHDRAWN
        assert not releases.get(workspace, id).startable


@pytest.mark.parametrize("state", [State.LIVE, State.UNPROVEN, State.TAKEN_BACK])
def test_a_release_that_moved_something_is_rolled_back_not_withdrawn(workspace, state):
    id = stored(workspace, state)
    with pytest.raises(ConflictError):
        releases.withdraw(workspace, id)
    assert releases.get(workspace, id).state is state


def test_successors_tell_what_replaced_and_what_took_back(workspace):
    first, second, third = (stored(workspace, State.LIVE, after=n) for n in (1, 2, 3))
    assert releases.successors(workspace) == {first: second, second: third}
    records.set_state(workspace, third, State.TAKEN_BACK)
    back = stored(workspace, State.LIVE, after=2, kind=Kind.ROLLBACK, undoes=third, restores=second)
    assert releases.successors(workspace) == {first: second, third: back}


@pytest.mark.parametrize(
    "write",
    [
        lambda workspace, id: releases.start(workspace, id),
        lambda workspace, id: releases.stop(workspace, id),
        lambda workspace, id: releases.roll_back(workspace, "bad answers"),
    ],
)
def test_only_an_approver_moves_a_release(workspace, write):
    id = stored(workspace, State.PROPOSED)
    author = replace(workspace, actor=Actor("bob", frozenset({Role.VIEWER, Role.AUTHOR})))
    with pytest.raises(ForbiddenError):
        write(author, id)


def test_an_error_is_kept_with_its_next_step(workspace):
    id = stored(workspace, State.PROPOSED)
    error = {"message": Message("No.").to_json(), "remedy": Message("Yes.").to_json()}
    records.set_state(workspace, id, State.FAILED, error=error)
    assert releases.get(workspace, id).remedy == Message("Yes.")


def test_after_an_unproven_rollback_the_bad_release_is_no_target(workspace):
    first = stored(workspace, State.LIVE, after=1)
    second = stored(workspace, State.TAKEN_BACK, after=2)
    back = stored(workspace, State.UNPROVEN, after=1, kind=Kind.ROLLBACK, undoes=second, restores=first)
    assert releases.rollback_target(workspace) is None
    assert releases.get(workspace, back).startable
