"""What the interlocks ask of a release itself: who agreed to it, and whether anything moved since it was proposed."""

from typing import TYPE_CHECKING

from services.interlocks import Circumstances
from services.releases import approving
from services.releases.approving import Standing, Who
from services.releases.facts import Release, State
from services.releases.pointer import Live, live

if TYPE_CHECKING:
    from services.workspace import Workspace


def proposed(workspace: "Workspace", now: Live) -> Circumstances:
    """Of something that nobody has proposed yet."""
    return Circumstances(
        agreement=approving.rule(workspace).who is not Who.NOBODY,
        good=_good(now),
        split=now.split,
        live=(now.pair.model_id, now.pair.prompt_version),
    )


def of(workspace: "Workspace", release: Release) -> Circumstances:
    """Of a release as it is now; `then` is what it was when somebody looked at it last."""
    now, agreement = live(workspace), approving.approval(workspace, release, started=release.working)
    agreed = agreement.decision.actor if agreement.standing is Standing.APPROVED and agreement.decision else None
    return Circumstances(
        agreement=agreement.standing is not Standing.NOT_NEEDED,
        agreed_by=agreed,
        own=approving.own_people(workspace, release),
        good=_good(now),
        split=now.split,
        watching=release.done("scorers"),
        sharing=release.sharing,
        live=(now.pair.model_id, now.pair.prompt_version),
        then=release.basis.get("state") or {},
    )


def _good(now: Live) -> int | None:
    """The live release when a roll back may come back to it."""
    proven = now.release is not None and now.release.state is State.LIVE and not now.moved_outside
    return now.release.id if proven and now.release else None
