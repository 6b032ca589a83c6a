"""The one thing to do next, for this person: what they may do, the most pressing first."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services import alerts, audit, releases
from services.alerts import Standing, State
from services.audit import Verb
from services.home.stages import Stage
from services.messages import Message
from services.people import Role
from services.processes import heart
from services.releases import Live, Release
from services.releases.waiting import Waiting
from services.reviews import Queue

if TYPE_CHECKING:
    from services.workspace import Workspace

WAITS = (releases.State.PROPOSED, releases.State.RUNNING, releases.State.STOPPED)


@dataclass(frozen=True)
class Facts:
    """What the first screen has read already; `reviews` and `waiting` are what waits for this person."""

    live: Live
    stages: tuple[Stage, ...]
    releases: tuple[Release, ...]
    reviews: tuple[tuple[Queue, int], ...]
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True)
class NextStep:
    """What to do, why, and where: `page` with its `query`."""

    what: Message
    why: Message
    page: str
    query: dict[str, str] = field(default_factory=dict)


def of(workspace: "Workspace", facts: Facts) -> NextStep:
    """The next step of the actor; for who may only look, whether production is well."""
    rules = alerts.standings(workspace)
    return (
        _alert(rules)
        or _moved(workspace, facts)
        or _release(facts)
        or _worker(workspace)
        or _review(facts)
        or _stage(workspace, facts)
        or _rule(workspace, facts, rules)
        or _look(facts, rules)
    )


def _alert(rules: Sequence[Standing]) -> NextStep | None:
    for one in rules:
        if one.state is State.FIRING and one.alert and one.alert.acknowledged_by is None:
            return NextStep(Message("An alert fires: {rule}", rule=one.rule.name), one.alert.text.what, "alerts")
    return None


def _release(facts: Facts) -> NextStep | None:
    for one in facts.waiting:
        title = Message("Release {id} waits for you", id=one.release.id)
        return NextStep(title, one.what, "releases", {"release": str(one.release.id)})
    return None


def _moved(workspace: "Workspace", facts: Facts) -> NextStep | None:
    release = facts.live.release
    if release is None or not (facts.live.moved_outside and audit.allowed(workspace, Verb.ADOPT_MOVE)):
        return None
    why = Message("Something was moved outside the console since release {id}.", id=release.id)
    return NextStep(Message("Adopt it or put it back"), why, "releases")


def _worker(workspace: "Workspace") -> NextStep | None:
    if Role.ADMIN not in workspace.actor.roles or not heart.stopped(workspace.settings):
        return None
    why = Message(
        "Nothing is judged, released or told meanwhile. Start the console again; “make doctor” says what is wrong."
    )
    return NextStep(Message("The worker stands still"), why, "jobs")


def _review(facts: Facts) -> NextStep | None:
    for queue, n in facts.reviews:
        title = Message("{n} {n:answer waits|answers wait} for you", n=n)
        why = Message("Read {n:it|them} and say whether {n:it is|they are} right: {queue}", n=n, queue=queue.name)
        return NextStep(title, why, "reviews", {"queue": str(queue.id)})
    return None


def _stage(workspace: "Workspace", facts: Facts) -> NextStep | None:
    """The first stretch that is not done; a release that others have to approve or start is theirs."""
    stage = next((one for one in facts.stages if not one.done), None)
    if stage is None or not audit.allowed(workspace, stage.verb):
        return None
    if stage.verb is Verb.PROPOSE_RELEASE and _under_way(facts):
        return None
    return NextStep(stage.title, stage.detail, stage.page)


def _rule(workspace: "Workspace", facts: Facts, rules: Sequence[Standing]) -> NextStep | None:
    if facts.live.pair.model_id is None or rules or not audit.allowed(workspace, Verb.SAVE_ALERT):
        return None
    why = Message("No rule watches production yet: nobody is told when answers get worse.")
    return NextStep(Message("Make an alert rule"), why, "alerts", {"view": "write"})


def _look(facts: Facts, rules: Sequence[Standing]) -> NextStep:
    if facts.live.pair.model_id is None:
        release = _under_way(facts)
        told = Message("Release {id} is on its way, in other hands.", id=release.id) if release else None
        why = told or Message("Nothing is live yet, and the steps to it are for authors. You can look at everything.")
        return NextStep(Message("See what was asked and answered so far"), why, "monitoring")
    return NextStep(Message("See whether production is well"), _health(rules), "monitoring")


def _health(rules: Sequence[Standing]) -> Message:
    watched = [one for one in rules if one.state is not State.OFF]
    kept = next((one.alert for one in watched if one.alert and one.alert.acknowledged_by), None)
    if kept is not None:
        return Message("An alert fires; {person} looks after it.", person=kept.acknowledged_by)
    if not watched:
        return Message("No rule watches production: the charts show how it is.")
    well = sum(one.state is State.OK for one in watched)
    return Message("Rules that find all well: {n} of {total}.", n=well, total=len(watched))


def _under_way(facts: Facts) -> Release | None:
    """One that people or a job still work on; what failed or is blocked is proposed anew or mended."""
    return next((one for one in facts.releases if one.working or (one.state in WAITS and not one.held)), None)
