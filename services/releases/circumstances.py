"""What the interlocks ask of a release itself: who agreed to it, and whether anything moved since it was proposed."""

from dataclasses import replace
from typing import TYPE_CHECKING

from services import apps, interlocks
from services.interlocks import Circumstances, Finding
from services.messages import Message
from services.releases import approving, records
from services.releases.approving import Approval, Standing, Who
from services.releases.facts import Release, State
from services.releases.pointer import Live, live

if TYPE_CHECKING:
    from services.workspace import Workspace


def proposed(workspace: "Workspace", now: Live, pair: tuple[str | None, int | None]) -> Circumstances:
    """Of something that nobody has proposed yet; `pair` is its model id and its prompt version."""
    return Circumstances(
        agreement=approving.rule(workspace).who is not Who.NOBODY,
        good=_good(now),
        split=now.split,
        live=(now.pair.model_id, now.pair.prompt_version),
        staging_first=apps.staging_first(workspace),
        staged=staged(workspace, pair),
    )


def of(workspace: "Workspace", release: Release) -> Circumstances:
    """Of a release as it is now; `then` is what it was when somebody looked at it last."""
    now = live(workspace)
    return replace(
        _agreed(workspace, release),
        good=_good(now),
        split=now.split,
        watching=release.done("scorers"),
        sharing=release.sharing,
        live=(now.pair.model_id, now.pair.prompt_version),
        then=release.basis.get("state") or {},
        staging_first=apps.staging_first(workspace),
        staged=staged(workspace, (release.after.model_id, release.after.prompt_version)),
    )


def findings(workspace: "Workspace", release: Release) -> tuple[Finding, ...]:
    """What the interlocks found; of a release that waits for people or its time, its approval and the freeze periods are as they are now.

    Everything else is as it was checked last: that gathers evaluations, and asks the platform.
    """
    planned = release.judged and release.due_at is not None
    if not (planned or approving.decidable(release)):
        return release.findings
    asked = (interlocks.agreement(_agreed(workspace, release)), interlocks.freeze(workspace, release.due_at))
    fresh = {one.number: one for one in asked}
    return tuple(fresh.get(one.number, one) for one in release.findings)


def _agreed(workspace: "Workspace", release: Release) -> Circumstances:
    """Who must agree to it and did, and nothing else."""
    agreement = approving.approval(workspace, release, started=release.working)
    decided = agreement.decision.actor if agreement.decision else None
    return Circumstances(
        agreement=agreement.standing is not Standing.NOT_NEEDED,
        agreed_by=decided if agreement.standing is Standing.APPROVED else None,
        unagreed=_unagreed(agreement),
        own=approving.own_people(workspace, release),
    )


def _unagreed(approval: Approval) -> tuple[Message, Message] | None:
    person = approval.decision.actor if approval.decision else ""
    again = Message("Ask an approver to look at it as it is now, and to approve it on its page.")
    match approval.standing:
        case Standing.REJECTED:
            return Message("{person} rejected it.", person=person), Message(
                "Read the reason on this page. Mend it in a new release, or ask {person} to look again.", person=person
            )
        case Standing.EXPIRED:
            return Message("The approval by {person} has expired.", person=person), again
        case Standing.CHANGED:
            return Message("It changed after {person} approved it.", person=person), again
    return None


def staged(workspace: "Workspace", pair: tuple[str | None, int | None]) -> int | None:
    """The last release of the pair that moved staging, when it was proven and not taken back."""
    if apps.Stage.STAGING not in apps.environments_of(workspace):
        return None
    done = records.all(apps.at(workspace, apps.Stage.STAGING))
    same = [one for one in done if (one.after.model_id, one.after.prompt_version) == pair]
    # What others moved was judged by nothing: it proves nothing, and speaks against the pair once it was taken back.
    told = [(one.moved_at, one) for one in same if one.moved_at and (one.judged or one.state is State.TAKEN_BACK)]
    newest = max(told, key=lambda moved: moved[0])[1] if told else None
    return newest.id if newest and newest.state is State.LIVE and newest.proof else None


def _good(now: Live) -> int | None:
    """The live release when a roll back may come back to it."""
    proven = now.release is not None and now.release.state is State.LIVE and not now.moved_outside
    return now.release.id if proven and now.release else None
