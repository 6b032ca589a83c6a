"""Approval: who must agree before a release starts, what exactly was agreed to, and for how long it counts.

A decision is a line of the audit log that names the hash of what was decided on: whatever changes afterwards, the
prompt's settings, the evaluation or the gate, makes it void.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services import agents, apps, audit, prompts
from services.audit import Event, Verb
from services.database import now
from services.errors import BlockedError, ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from services.messages import Message, mark
from services.prompts import PromptVersion
from services.releases import records, telling
from services.releases.facts import Release

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "approval"
LONGEST_HOURS = 24 * 90


class Who(StrEnum):
    """Who must agree: nobody, one approver, or one who neither proposed the release nor wrote its prompt version.

    Where the agent asks no prompt, who logged it counts as who wrote it.
    """

    NOBODY = "nobody"
    ONE = "one"
    FOUR_EYES = "four eyes"


WHO = {
    Who.NOBODY: mark("Nobody: whoever may start releases decides"),
    Who.ONE: mark("One approver, who may be the proposer"),
    Who.FOUR_EYES: mark("Four eyes: an approver who neither proposed it nor wrote the prompt version"),
}


class Standing(StrEnum):
    """How a release stands with its approval."""

    NOT_NEEDED = "not needed"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CHANGED = "changed"


@dataclass(frozen=True)
class ApprovalRule:
    """Who must agree, and the `hours` within which an approved release must be started."""

    who: Who = Who.NOBODY
    hours: int = 72


@dataclass(frozen=True)
class Decision:
    """What somebody decided, on what (`subject` is its hash), and why."""

    actor: str
    approved: bool
    reason: str
    at: datetime
    subject: str


@dataclass(frozen=True)
class Approval:
    """Where a release stands; `decision` is the newest one, `until` when an approval ends."""

    standing: Standing
    decision: Decision | None = None
    until: datetime | None = None


def rule(workspace: "Workspace") -> ApprovalRule:
    """The rule of the app's environment; nobody needs to agree until an admin sets one."""
    stored = apps.load_setting(workspace, _setting(workspace))
    return ApprovalRule(Who(stored["who"]), int(stored["hours"])) if stored else ApprovalRule()


def save_rule(workspace: "Workspace", rule_: ApprovalRule) -> None:
    """Store the environment's rule; it counts at once, also for what is proposed already. Raises InvalidInputError."""
    if not 1 <= rule_.hours <= LONGEST_HOURS:
        raise InvalidInputError(
            Message("An approval counts for 1 to {n} hours.", n=LONGEST_HOURS), Message("Correct the number.")
        )
    before, after = asdict(rule(workspace)), asdict(rule_)
    environment = workspace.app.environment
    subject = workspace.app.id if environment.live else f"{workspace.app.id} {environment.stage}"
    with audit.change(workspace, Verb.SAVE_APPROVAL_RULE, subject, before, after):
        apps.save_setting(workspace, _setting(workspace), after)


def approve(workspace: "Workspace", id: int, reason: str = "", seen: str | None = None) -> None:
    """Agree to a release that has moved nothing; `seen` is the `subject` of what the person looked at.

    Raises ForbiddenError for one's own where four eyes are required, ConflictError when it is another one by now.
    """
    _decide(workspace, id, Verb.APPROVE_RELEASE, reason, seen)


def reject(workspace: "Workspace", id: int, reason: str, seen: str | None = None) -> None:
    """Refuse a release that has moved nothing; raises InvalidInputError without a reason."""
    if not reason.strip():
        raise InvalidInputError(
            Message("A rejection needs a reason."), Message("Type what must be different before it may go live.")
        )
    _decide(workspace, id, Verb.REJECT_RELEASE, reason, seen)


def approval(workspace: "Workspace", release: Release, *, started: bool = False) -> Approval:
    """Whether a release may start as far as people have to agree; once `started`, an approval no longer expires."""
    asked = rule(workspace)
    if asked.who is Who.NOBODY or not release.judged:
        return Approval(Standing.NOT_NEEDED)
    found = decisions(workspace, release.id)
    if not found:
        return Approval(Standing.WAITING)
    newest = found[-1]
    if not newest.approved:
        return Approval(Standing.REJECTED, newest)
    until = newest.at + timedelta(hours=asked.hours)
    if newest.subject != subject(workspace, release) or newest.actor in own_people(workspace, release):
        return Approval(Standing.CHANGED, newest)
    if now() > until and not started:
        return Approval(Standing.EXPIRED, newest, until)
    return Approval(Standing.APPROVED, newest, until)


def missing(workspace: "Workspace", release: Release) -> bool:
    """Whether somebody must agree before it may start; what has moved already is resumed without."""
    agreed = (Standing.NOT_NEEDED, Standing.APPROVED)
    return not release.done("shift") and approval(workspace, release).standing not in agreed


def decisions(workspace: "Workspace", id: int) -> list[Decision]:
    """Every decision on a release, oldest first."""
    verbs, name = (Verb.APPROVE_RELEASE.value, Verb.REJECT_RELEASE.value), f"release {id}"
    lines = [one for one in audit.about(workspace, name) if one.subject == name]
    return [_from_event(one) for one in lines if one.verb in verbs and one.outcome == "done"]


def hold(workspace: "Workspace", release: Release, *, started: bool = False, at: datetime | None = None) -> None:
    """Raise BlockedError unless whoever must agree has agreed to exactly this release.

    Raises InvalidInputError when the approval ends before `at`, the time of a later start.
    """
    found = approval(workspace, release, started=started)
    told = {
        Standing.WAITING: Message("Release {id} waits for an approval.", id=release.id),
        Standing.REJECTED: Message("Release {id} was rejected.", id=release.id),
        Standing.EXPIRED: Message("The approval of release {id} has expired.", id=release.id),
        Standing.CHANGED: Message("What was approved has changed since: release {id} waits again.", id=release.id),
    }
    if found.standing in told:
        raise BlockedError(
            told[found.standing],
            Message("Ask an approver to look at it and to approve it on its page."),
        )
    if at is not None and found.until is not None and at > found.until:
        raise InvalidInputError(
            Message("The approval of release {id} ends before that time.", id=release.id),
            Message("Choose an earlier time, or have it approved closer to it."),
        )


def may_decide(workspace: "Workspace", release: Release) -> bool:
    """Whether the actor may approve or reject this release."""
    allowed = audit.allowed(workspace, Verb.APPROVE_RELEASE)
    return allowed and workspace.actor.id not in own_people(workspace, release)


def decidable(release: Release) -> bool:
    """Whether it still waits for people: it may be started or resumed, and has not moved what is live."""
    return release.judged and release.startable and not release.done("shift")


def subject(workspace: "Workspace", release: Release) -> str:
    """The hash of what is decided on: both sides, the prompt as it would be sent, the evaluation and the gate.

    The number that the registry gives an agent version comes after the approval and is left out, and so are labels.
    """
    prompt = _prompt(workspace, release)
    sent = prompt.content.to_json() if prompt else {}
    decided: dict[str, Any] = {
        "release": release.id,
        "kind": release.kind.value,
        "before": asdict(release.before),
        "after": [release.after.model_id, release.after.prompt_version],
        "prompt": {name: value for name, value in sent.items() if name != "labels"},
        "evaluation": release.evaluation,
        "gate": asdict(workspace.app.gate),
        **({"canary": release.canary.to_json()} if release.canary else {}),
    }
    return hashlib.sha256(json.dumps(decided, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _setting(workspace: "Workspace") -> str:
    environment = workspace.app.environment
    return SETTING if environment.live else f"{SETTING} {environment.stage}"


def _decide(workspace: "Workspace", id: int, verb: Verb, reason: str, seen: str | None) -> None:
    audit.require(workspace, verb)
    release = records.get(workspace, id)
    if not decidable(release):
        raise ConflictError(
            Message("Release {id} is not waiting for its start.", id=id), Message("Reload the page and look at it.")
        )
    if workspace.actor.id in own_people(workspace, release):
        raise ForbiddenError(
            Message("{person} proposed release {id} or wrote its prompt version.", person=workspace.actor.id, id=id),
            Message("Four eyes are required: ask another approver."),
        )
    now_asked = subject(workspace, release)
    if seen not in (None, now_asked):
        raise ConflictError(
            Message("Release {id} has changed while you looked at it.", id=id),
            Message("Look at it again as it is now, then decide."),
        )
    with audit.change(workspace, verb, f"release {id}", after={"subject": now_asked}, why=reason.strip()):
        records.touch(workspace, release)
        if verb is Verb.APPROVE_RELEASE:
            telling.tell(workspace, "approved", release)


def own_people(workspace: "Workspace", release: Release) -> frozenset[str]:
    """Those whose approval does not count: the first two eyes where four are required."""
    if rule(workspace).who is not Who.FOUR_EYES:
        return frozenset()
    prompt = _prompt(workspace, release)
    wrote = (prompt.author if prompt else "") if release.prompted else _logged_by(workspace, release)
    return frozenset({release.actor, *([wrote] if wrote else [])})


def _prompt(workspace: "Workspace", release: Release) -> PromptVersion | None:
    """The version that would go live; None for one that was deleted in MLflow, which no approval covers any more."""
    if not release.prompted:
        return None
    try:
        return prompts.version(workspace, release.prompt_name, release.prompt_version)
    except NotFoundError:
        return None


def _logged_by(workspace: "Workspace", release: Release) -> str:
    """Without a prompt the instructions are in the agent's code."""
    try:
        return agents.get(workspace, str(release.after.model_id)).author
    except NotFoundError:
        return ""


def _from_event(line: Event) -> Decision:
    return Decision(
        actor=line.actor,
        approved=line.verb == Verb.APPROVE_RELEASE.value,
        reason=line.why,
        at=line.at,
        subject=line.after["subject"],
    )
