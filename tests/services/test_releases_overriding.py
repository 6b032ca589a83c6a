"""Overrides by two people, freeze periods, and a start at a time to come."""

from dataclasses import asdict, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from services import apps, interlocks, jobs, prompts, releases
from services.apps import Freeze
from services.database import now
from services.errors import BlockedError, ConflictError, ForbiddenError, InvalidInputError
from services.interlocks import Light, movement
from services.messages import Message
from services.people import Actor, Role
from services.releases import Kind, Pair, Proposal, State, overriding, records
from tests.standing import logged

NOTHING = Pair(None, None, None)
HOUR = timedelta(hours=1)


@pytest.fixture
def held(workspace):
    """A proposal that was never evaluated, seen by ada; and grace, a second approver."""
    prompts.save(workspace, "greeting", "Be brief.", "")
    release = releases.propose(workspace, Proposal(logged(workspace, "greeting"), 1))
    assert release.held
    grace = replace(workspace, actor=Actor("grace", frozenset({Role.VIEWER, Role.APPROVER, Role.AUTHOR})))
    return workspace, grace, release


def test_two_people_let_a_held_release_pass_and_it_stays_marked(held):
    ada, grace, release = held
    with pytest.raises(BlockedError):
        releases.start(ada, release.id)
    with pytest.raises(InvalidInputError):
        overriding.ask(ada, release.id, " ")
    overriding.ask(ada, release.id, "the old one promises refunds")
    with pytest.raises(ForbiddenError, match="must be another one"):
        overriding.confirm(ada, release.id)
    with pytest.raises(BlockedError):
        releases.start(ada, release.id)
    overriding.confirm(grace, release.id)

    marked = releases.get(ada, release.id)
    assert not marked.held
    assert "Overridden by ada and grace: the old one promises refunds" in str(marked.findings[0].found)
    started = releases.start(ada, release.id)
    given = overriding.of(ada, started)
    assert (started.state, given.asked_by, given.confirmed_by, 1 in given.numbers) == (
        State.RUNNING,
        "ada",
        "grace",
        True,
    )
    with pytest.raises(ConflictError):
        overriding.confirm(grace, release.id)


def test_an_override_does_not_cover_what_turns_red_later(held):
    ada, grace, release = held
    overriding.ask(ada, release.id, "urgent")
    overriding.confirm(grace, release.id)
    apps.save_freezes(ada, [Freeze(now() - HOUR, now() + HOUR, "sale")])
    with pytest.raises(BlockedError, match="sale"):
        releases.start(ada, release.id)
    findings = overriding.applied(
        ada, releases.get(ada, release.id), interlocks.check(releases.steps.candidate(ada, release))
    )
    assert [one.number for one in findings if one.light is Light.RED] == [17]
    red = next(one for one in release.findings if one.light is Light.RED)
    for found, light in ((red.found, Light.AMBER), (Message("Something else."), Light.RED)):
        (told,) = overriding.applied(ada, releases.get(ada, release.id), [replace(red, found=found)])
        assert told.light is light


def test_17_holds_in_a_freeze_period_only(held):
    ada, _, release = held
    candidate = releases.steps.candidate(ada, release)
    assert movement.not_frozen(candidate).light is Light.GREEN
    apps.save_freezes(ada, [Freeze(now() + HOUR, now() + 2 * HOUR, "sale")])
    assert movement.not_frozen(candidate).light is Light.GREEN
    apps.save_freezes(ada, [Freeze(now() - HOUR, now() + HOUR, "sale")])
    found = movement.not_frozen(candidate)
    assert found.light is Light.RED and "sale" in str(found.found) and found.mend
    tokyo = [replace(one, end=one.end.astimezone(ZoneInfo("Asia/Tokyo"))) for one in apps.freezes(ada)]
    apps.save_freezes(ada, tokyo)
    assert movement.not_frozen(candidate).found == found.found
    for wrong in (Freeze(now(), now() - HOUR, "sale"), Freeze(now(), now() + HOUR, " ")):
        with pytest.raises(InvalidInputError):
            apps.save_freezes(ada, [wrong])
    with pytest.raises(ConflictError, match="Somebody else"):
        apps.save_freezes(ada, [], seen=[])
    assert len(apps.freezes(ada)) == 1


def test_a_start_waits_for_its_time_and_can_be_stopped(workspace):
    moves = {"prompt": "greeting", "before": asdict(NOTHING), "after": asdict(Pair("m-1", 1, 1))}
    id = records.add(workspace, Kind.ROLLBACK, moves, "")
    at = now() + 2 * HOUR
    for wrong in (now() - HOUR, now() + timedelta(days=90)):
        with pytest.raises(InvalidInputError):
            releases.start(workspace, id, wrong)
    waiting = releases.start(workspace, id, at)
    assert (waiting.working, waiting.due_at) == (True, at)
    assert jobs.claim(workspace.engine) is None
    releases.stop(workspace, id)
    stopped = releases.get(workspace, id)
    assert (stopped.state, stopped.due_at, stopped.startable) == (State.STOPPED, None, True)


def test_a_freeze_period_holds_at_once_and_can_be_overridden_by_two(held, monkeypatch):
    ada, grace, release = held
    monkeypatch.setattr(interlocks, "check", lambda candidate: [interlocks.freeze(ada, candidate.circumstances.starts)])
    assert not releases.check_again(ada, release.id).held
    apps.save_freezes(ada, [Freeze(now() - HOUR, now() + HOUR, "sale")])

    def today():
        return releases.standing(ada, releases.get(ada, release.id))

    assert today().held and not today().held_later and "sale" in str(today().findings[0].found)
    assert str(releases.waiting.for_me(ada)[0].what).startswith("It is blocked")
    overriding.ask(ada, release.id, "urgent")
    with pytest.raises(InvalidInputError, match="sale"):
        releases.start(ada, release.id, now() + HOUR / 2)
    overriding.confirm(grace, release.id)
    (overridden,) = today().findings
    assert not today().held and "Overridden by ada and grace: urgent" in str(overridden.found)
    assert overridden.mend is None
    assert releases.start(ada, release.id, now() + HOUR / 2).due_at is not None
    apps.save_freezes(ada, [Freeze(now() + HOUR / 3, now() + HOUR, "a later one")])
    assert "a later one" in str(today().findings[0].found)
    apps.save_freezes(ada, [Freeze(now() - HOUR, now() + HOUR, "sale")])
    releases.stop(ada, release.id)
    records.set_state(ada, release.id, State.PROPOSED)
    apps.save_freezes(ada, [])
    assert today().findings[0].light is Light.GREEN
    apps.save_freezes(ada, [Freeze(now() - HOUR, now() + 2 * HOUR, "audit")])
    assert today().held


def test_a_start_after_the_freeze_period_is_planned_while_it_lasts(held, monkeypatch):
    ada, _, release = held
    apps.save_freezes(ada, [Freeze(now() - HOUR, now() + HOUR, "sale")])
    monkeypatch.setattr(interlocks, "check", lambda candidate: [movement.not_frozen(candidate)])
    with pytest.raises(BlockedError, match="sale"):
        releases.start(ada, release.id)
    assert releases.start(ada, release.id, now() + 2 * HOUR).due_at is not None


def test_no_start_is_planned_into_a_freeze_period(held):
    ada, _, release = held
    apps.save_freezes(ada, [Freeze(now() + HOUR, now() + 3 * HOUR, "sale")])
    with pytest.raises(InvalidInputError, match="freeze period"):
        releases.start(ada, release.id, now() + 2 * HOUR)
