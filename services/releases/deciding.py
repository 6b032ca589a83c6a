"""What a person decides about a release that was proposed: check it again, start it, let it go on, give it up."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from services import apps, audit, interlocks, jobs, production
from services.audit import Verb
from services.database import now
from services.errors import ConflictError, ConsoleError, InvalidInputError
from services.interlocks import Light
from services.messages import Message
from services.releases import (
    approving,
    catches,
    overriding,
    records,
    registering,
    running,
    sharing,
    shutdown,
    steps,
    stopping,
)
from services.releases.facts import KEEP, MOVE, UNANSWERED, Kind, Release, State
from services.releases.pointer import live
from services.releases.records import get

if TYPE_CHECKING:
    from services.workspace import Workspace

FURTHEST = timedelta(days=60)


def check_again(workspace: "Workspace", id: int) -> Release:
    """Ask the interlocks anew, after something was mended or has changed: what is there now is what counts from now on.

    Raises ConflictError for a release that was started, unless an interlock has blocked it before anything moved.
    """
    found = get(workspace, id)
    if not found.checkable:
        raise ConflictError(
            Message("Release {id} is not waiting for its start.", id=id), Message("Reload the page and look at it.")
        )
    candidate = steps.looked_at_anew(workspace, found)
    with audit.change(workspace, Verb.CHECK_RELEASE, f"release {id}") as change:
        _nothing_moved(workspace, found)
        findings = overriding.applied(workspace, found, interlocks.check(candidate))
        waiting = replace(found, state=State.PROPOSED, error=None)
        records.set_findings(workspace, waiting, findings, steps.basis(candidate), found.revision)
        change.after = [one.number for one in findings if one.light is Light.RED]
    return get(workspace, id)


def start(workspace: "Workspace", id: int, at: datetime | None = None) -> Release:
    """Run a proposed release, or resume a stopped or failed one at the step where it stopped; `at` a time to come.

    Whatever must hold is asked now and again at that time.
    Raises BlockedError while an interlock is red or an approval is missing: also when the page is bypassed.
    """
    audit.require(workspace, Verb.START_RELEASE)
    found = get(workspace, id)
    if found.working:
        raise ConflictError(
            Message("Release {id} is on its way.", id=id), Message("Wait until it has ended, or stop it.")
        )
    if not found.startable:
        raise ConflictError(
            Message("Release {id} cannot be started again.", id=id),
            Message("Propose a new release."),
        )
    _check_time(workspace, found, at)
    stopping.nothing_on_its_way(workspace)
    with audit.change(workspace, Verb.START_RELEASE, f"release {id}", after={"at": at.isoformat()} if at else None):
        _nothing_moved(workspace, found)
        if not found.done("shift"):
            approving.hold(workspace, found, at=at)
        if not found.moving and found.judged:
            today = steps.candidate(workspace, found)
            today = replace(today, circumstances=replace(today.circumstances, starts=at))
            findings = overriding.applied(workspace, found, interlocks.check(today))
            judged = today.evaluation.run_id if today.evaluation else None
            catches.note(workspace, records.reference(workspace, id), findings, judged)
            interlocks.hold(findings)
        sharing.renew(workspace, found)
        _submit(workspace, found, at)
    return get(workspace, id)


def start_at_once(workspace: "Workspace", id: int) -> Release:
    """Start at once; what cannot start is over and says why."""
    try:
        return start(workspace, id)
    except ConsoleError as error:
        running.end_badly(workspace, id, error)
        raise


def _check_time(workspace: "Workspace", found: Release, at: datetime | None) -> None:
    if at is None:
        return
    if not now() < at < now() + FURTHEST:
        raise InvalidInputError(
            Message("A release starts in the next {n} days, not in the past.", n=FURTHEST.days),
            Message("Choose another time."),
        )
    frozen = overriding.applied(workspace, found, [interlocks.freeze(workspace, at)] if found.judged else [])
    if any(one.light is Light.RED for one in frozen):
        raise InvalidInputError(
            Message("That time lies in a freeze period. {found}", found=frozen[0].found),
            Message("Choose a time after it."),
        )


def _submit(workspace: "Workspace", found: Release, at: datetime | None = None) -> None:
    """Claim the release first: a job that nobody knows of could not be stopped."""
    records.set_state(workspace, found.id, State.RUNNING, found.revision, error=None)
    job = jobs.submit(workspace, "release", {"release": found.id}, exclusive=apps.pointer(workspace), due=at)
    if job.kind == shutdown.KIND:
        records.set_state(workspace, found.id, found.state)
        raise shutdown.busy(workspace)
    if job.args["release"] != found.id:
        records.set_state(workspace, found.id, found.state)
        raise ConflictError(
            Message("Release {id} is on its way.", id=job.args["release"]),
            Message("Wait until it has ended, or stop it."),
        )
    records.set_job(workspace, found.id, job.id)


def go_on(workspace: "Workspace", id: int, why: str) -> None:
    """Let the comparison under way pass although harm was shown, or although copies were never answered, with a reason.

    Raises ConflictError where neither holds it; letting the one pass says nothing about the other.
    """
    audit.require(workspace, Verb.START_RELEASE)
    found = get(workspace, id)
    harmed, unanswered = found.harmed, found.unanswered
    passed = [*([harmed] if harmed else []), *([unanswered + UNANSWERED] if unanswered else [])]
    if not passed:
        raise ConflictError(
            Message("Release {id} does not wait for somebody to let it go on.", id=id), Message("Reload the page.")
        )
    if not why.strip():
        raise InvalidInputError(
            Message("There is no reason."), Message("Type why it may go on: it stands in the evidence.")
        )
    moves = records.moves_of(found) | {"overruled": [*found.overruled, *passed]}
    told = f"{', '.join(passed)} overruled"
    with audit.change(workspace, Verb.START_RELEASE, f"release {id}", after=told, why=why.strip()):
        records.set_state(workspace, id, found.state, found.revision, moves=moves)


def choose(workspace: "Workspace", id: int, choice: str, why: str) -> None:
    """After an A/B test, MOVE all the traffic to the new version or KEEP the live one, with a reason.

    What follows is the release's own: its interlocks, the move and its proof, or the way back. Raises ConflictError
    before the test has its answers, and for a second choice.
    """
    audit.require(workspace, Verb.START_RELEASE)
    found = get(workspace, id)
    test = found.choosing
    if test is None:
        raise ConflictError(
            Message("Release {id} does not wait for a choice.", id=id), Message("Reload the page and look at it.")
        )
    if choice not in (MOVE, KEEP) or not why.strip():
        raise InvalidInputError(
            Message("There is no reason."), Message("Type why you choose so: it stands in the evidence.")
        )
    moves = records.moves_of(found) | {"decided": {test: {"choice": choice, "why": why.strip()}}}
    verb = Verb.START_RELEASE if choice == MOVE else Verb.STOP_RELEASE
    with audit.change(workspace, verb, f"release {id}", after=f"{test}: {choice}", why=why.strip()):
        records.set_state(workspace, id, found.state, found.revision, moves=moves)


def withdraw(workspace: "Workspace", id: int) -> None:
    """Give up a release that moved nothing; a version it had started is stopped, an alias it had set put back.

    Raises ConflictError for one that is on its way, has ended or has moved what is live.
    """
    audit.require(workspace, Verb.WITHDRAW_RELEASE)
    found = get(workspace, id)
    if not found.startable:
        raise ConflictError(
            Message("Release {id} cannot be withdrawn.", id=id), Message("Reload the page and look at it.")
        )
    if running.has_moved(workspace, found) is not False:
        raise ConflictError(
            Message("Release {id} has moved what is live, or may have.", id=id),
            Message("Resume it, or roll back instead."),
        )
    with audit.change(workspace, Verb.WITHDRAW_RELEASE, f"release {id}", before=found.state.value):
        if found.kind is Kind.AGENT and found.after.agent_version is not None:
            sharing.take_back(workspace, found)
            _answers_nobody(workspace, found)
            running.take_down(workspace, found, f"release {id} was withdrawn")
            registering.give_up(workspace, found)
        records.set_state(workspace, id, State.WITHDRAWN, found.revision)


def _answers_nobody(workspace: "Workspace", release: Release) -> None:
    """Raise ConflictError while the version that is given up meets people beside the live one."""
    version = release.agent_version
    share = production.traffic(workspace).get(version)
    if share and release.before.agent_version is not None:
        raise ConflictError(
            Message("Agent version {n} still gets {share} % of the traffic.", n=version, share=share),
            Message("Put back what the last release left, then withdraw this one."),
        )


def _nothing_moved(workspace: "Workspace", release: Release) -> None:
    """Raise ConflictError when what is live is not what the release started from, or has brought about itself."""
    begun = release.moving and not release.done("shift")
    moved = release.done("shift") or release.kind is Kind.ADOPTION
    expected = release.after if moved else release.before
    if not begun and live(workspace).pair != expected:
        raise ConflictError(
            Message("What is live has changed since release {id} was proposed.", id=release.id),
            Message("Look at what is live, then propose it again."),
        )
