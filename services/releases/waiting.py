"""What waits for this person, and what was live at a moment of the past."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services import apps, audit
from services.audit import Verb
from services.messages import Message
from services.releases import approving, canary, offline, overriding, shutdown
from services.releases.approving import Standing
from services.releases.facts import Release, State
from services.releases.records import all

if TYPE_CHECKING:
    from services.workspace import Workspace


ASKED = {
    Standing.WAITING: Message("It waits for your approval."),
    Standing.EXPIRED: Message("Its approval has expired: it waits for yours."),
    Standing.CHANGED: Message("It changed after its approval: it waits for yours."),
}


@dataclass(frozen=True)
class Waiting:
    """A release that goes no further until this person does something."""

    release: Release
    what: Message


@dataclass(frozen=True)
class Then:
    """What was live at a moment; `release` had made it so, None before the first one and after a `shut` down."""

    release: Release | None
    offline: bool
    shut: audit.Event | None = None


def for_me(workspace: "Workspace") -> list[Waiting]:
    """The releases that wait for the actor in any of the app's environments, the newest first."""
    places = apps.everywhere(workspace)
    found = [(one, _asked(place, one)) for place in places for one in all(place) if _stands_still(one)]
    waiting = [Waiting(release, what) for release, what in found if what is not None]
    return sorted(waiting, key=lambda one: one.release.id, reverse=True)


def at(workspace: "Workspace", moment: datetime) -> Then:
    """Which release's move was the last one before that moment, and whether the endpoint was offline."""
    shut = next((one for one in reversed(shutdown.history(workspace)) if one.at <= moment), None)
    moved = [(one.moved_at, one) for one in all(workspace) if one.moved_at and one.moved_at <= moment]
    newest = max((pair for pair in moved if shut is None or pair[0] > shut.at), key=lambda pair: pair[0], default=None)
    stops = [one for one in offline.history(workspace) if one.at <= moment]
    stopped = bool(stops) and stops[-1].verb == Verb.TAKE_OFFLINE.value
    return Then(newest[1], stopped) if newest else Then(None, stopped, shut)


def _stands_still(release: Release) -> bool:
    return release.startable or release.waits


def _asked(workspace: "Workspace", release: Release) -> Message | None:
    if release.choosing:
        return _if_may_start(workspace, Message("Its A/B test has its answers: choose which version answers."))
    if release.harmed:
        return _if_may_start(workspace, Message("Its new version does worse: stop it, or let it go on with a reason."))
    if release.unanswered:
        told = Message("Copies were never answered: look why, then stop it or let it go on with a reason.")
        return _if_may_start(workspace, told)
    if _left(release):
        return _if_may_start(workspace, Message("It was interrupted half way: resume it, withdraw it or roll back."))
    if release.state is State.UNPROVEN:
        return _if_may_start(workspace, Message("It moved what is live and was not proven: resume it or roll back."))
    if release.state is State.STOPPED:
        return _if_may_start(workspace, Message("It was stopped: resume it or withdraw it."))
    if release.state is not State.PROPOSED:
        return None
    release = overriding.standing(workspace, release)
    override = overriding.of(workspace, release)
    if override and override.confirmed_by is None and override.asked_by != workspace.actor.id:
        may = audit.allowed(workspace, Verb.CONFIRM_OVERRIDE)
        return Message("{person} asks for an override.", person=override.asked_by) if may else None
    if release.held:
        mine = release.actor == workspace.actor.id
        return Message("It is blocked: mend what is red, then check it again.") if mine else None
    return _undecided(workspace, release)


def _undecided(workspace: "Workspace", release: Release) -> Message | None:
    """A proposal that nothing blocks: those wait for it who may decide, start it, or mend what was rejected."""
    found = approving.approval(workspace, release)
    if found.standing in (Standing.NOT_NEEDED, Standing.APPROVED):
        return _if_may_start(workspace, Message("It may be started."))
    if found.standing is Standing.REJECTED and found.decision:
        told = Message("{person} rejected it: read why, then withdraw it.", person=found.decision.actor)
        return told if release.actor == workspace.actor.id else None
    return ASKED[found.standing] if approving.may_decide(workspace, release) else None


def _left(release: Release) -> bool:
    """Nobody is at it any more, or it has ended and its new version may still answer a share of the questions."""
    ended = release.state in (State.STOPPED, State.FAILED, State.BLOCKED)
    return release.state is State.RUNNING or (ended and bool(canary.began(release)) and not release.moving)


def _if_may_start(workspace: "Workspace", what: Message) -> Message | None:
    return what if audit.allowed(workspace, Verb.START_RELEASE) else None
