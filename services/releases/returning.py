"""The ways back: to the last good release, or out of a move made outside the console."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from services import audit
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotReadyError
from services.messages import Message
from services.releases import records, stopping
from services.releases.deciding import start_at_once
from services.releases.facts import Kind, Pair, Release
from services.releases.pointer import live, newest_moved, rollback_target

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class MovedOutside:
    """What somebody made live past the console, and the release that had left something else behind."""

    pair: Pair
    prompt_name: str
    split: bool
    release: Release


def roll_back(workspace: "Workspace", why: str) -> Release:
    """Take the live release back to the last good one, at once; raises NotReadyError when there is none.

    A release that is planned or on its way is stopped first. Raises InvalidInputError without a reason.
    """
    audit.require(workspace, Verb.ROLL_BACK)
    _require_reason(why)
    current, target = newest_moved(workspace), rollback_target(workspace)
    if current is None or target is None:
        raise NotReadyError(
            Message("There is no earlier good release to go back to."),
            Message("Take the endpoint offline with a message to everyone, then make a better version and release it."),
        )
    stopping.make_way(workspace)
    _still_leads_there(workspace, current, target)
    now = live(workspace)
    moves = {
        "prompt": target.prompt_name,
        "before": asdict(now.pair),
        "after": asdict(target.after),
        "undoes": current.id,
        "restores": target.id,
    }
    with audit.change(workspace, Verb.ROLL_BACK, f"release {current.id}", moves["before"], why=why) as change:
        id = records.add(workspace, Kind.ROLLBACK, moves, why)
        change.after = asdict(target.after) | records.reference(workspace, id)
    return start_at_once(workspace, id)


def put_back(workspace: "Workspace", why: str) -> Release:
    """Undo a move made outside the console: what the last release left behind is live again, with a new proof.

    A release that is planned or on its way is stopped first. Raises InvalidInputError without a reason.
    """
    audit.require(workspace, Verb.ROLL_BACK)
    _require_reason(why)
    _moved_outside(workspace)
    stopping.make_way(workspace)
    now = _moved_outside(workspace)
    last = now.release
    restored = last.restores or last.id
    moves = {"prompt": last.prompt_name, "before": asdict(now.pair), "after": asdict(last.after), "restores": restored}
    with audit.change(workspace, Verb.ROLL_BACK, f"release {last.id}", moves["before"], why=why) as change:
        id = records.add(workspace, Kind.ROLLBACK, moves, why)
        change.after = asdict(last.after) | records.reference(workspace, id)
    return start_at_once(workspace, id)


def adopt(workspace: "Workspace", why: str) -> Release:
    """Take over what was moved outside the console as a release of its own, which is good once it is proven."""
    audit.require(workspace, Verb.ADOPT_MOVE)
    if not why.strip():
        raise InvalidInputError(
            Message("There is no reason."), Message("Type why what others moved is right: it stands in the evidence.")
        )
    stopping.nothing_on_its_way(workspace)
    now = _moved_outside(workspace)
    if now.pair.model_id is None:
        raise NotReadyError(
            Message("Nothing is live that could be adopted."), Message("Put back what the last release left, instead.")
        )
    if now.split:
        raise ConflictError(
            Message("Several agent versions share the traffic: that cannot be adopted."),
            Message("Put it back, or give one version all the traffic first."),
        )
    before, after = asdict(now.release.after), asdict(now.pair)
    moves = {"prompt": now.prompt_name, "before": before, "after": after}
    with audit.change(workspace, Verb.ADOPT_MOVE, f"release {now.release.id}", before, why=why) as change:
        id = records.add(workspace, Kind.ADOPTION, moves, why)
        change.after = after | records.reference(workspace, id)
    return start_at_once(workspace, id)


def _require_reason(why: str) -> None:
    if not why.strip():
        raise InvalidInputError(
            Message("There is no reason."), Message("Type what went wrong: it stands in the record of the rollback.")
        )


def _still_leads_there(workspace: "Workspace", current: Release, target: Release) -> None:
    """What was stopped may have moved the pointer in its last moment: then the way back is another one."""
    now, then = newest_moved(workspace), rollback_target(workspace)
    if now is None or then is None or (now.id, then.id) != (current.id, target.id):
        raise ConflictError(
            Message("What is live has changed a moment ago."), Message("Look at what is live, then roll back again.")
        )


def _moved_outside(workspace: "Workspace") -> MovedOutside:
    """What is live, and the release that left something else behind; raises ConflictError when nothing was moved."""
    now = live(workspace)
    if now.release is None or not now.moved_outside:
        raise ConflictError(
            Message("Nothing was moved outside the console."), Message("Reload the page and look at what is live.")
        )
    return MovedOutside(now.pair, now.prompt_name or now.release.prompt_name, now.split, now.release)
