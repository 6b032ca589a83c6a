"""Freeze periods: times in which nothing new may go live, such as a sale or the holidays."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services import audit
from services.apps.records import load_setting, load_version, save_setting
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

FREEZES = "freezes"


@dataclass(frozen=True)
class Freeze:
    """Nothing new goes live from `start` to `end`; going back always may."""

    start: datetime
    end: datetime
    why: str


def freezes(workspace: "Workspace") -> list[Freeze]:
    """The app's freeze periods, the earliest first."""
    stored = load_setting(workspace, FREEZES) or []
    found = [
        Freeze(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]), one["why"]) for one in stored
    ]
    return sorted(found, key=lambda one: one.start)


def frozen_at(workspace: "Workspace", at: datetime) -> Freeze | None:
    """The period that this moment lies in."""
    return next((one for one in freezes(workspace) if one.start <= at < one.end), None)


def save_freezes(workspace: "Workspace", wanted: list[Freeze], seen: list[Freeze] | None = None) -> None:
    """Store the app's freeze periods; raises InvalidInputError for one that ends before it begins or says no reason.

    `seen` are those that `wanted` was made from; raises ConflictError when they are others by now.
    """
    if any(one.start >= one.end or not one.why.strip() for one in wanted):
        raise InvalidInputError(
            Message("A freeze period begins before it ends, and says why."), Message("Correct the period.")
        )
    version, _stored = load_version(workspace, FREEZES)
    there = freezes(workspace)
    if seen is not None and there != seen:
        raise ConflictError(
            Message("Somebody else changed the freeze periods meanwhile."),
            Message("Reload the page and look at them again."),
        )
    before, after = _plain(there), _plain(wanted)
    with audit.change(workspace, Verb.SAVE_APPROVAL_RULE, "freeze periods", before, after):
        save_setting(workspace, FREEZES, after, read=version)


def _plain(found: list[Freeze]) -> list[dict[str, Any]]:
    return [{"start": one.start.isoformat(), "end": one.end.isoformat(), "why": one.why} for one in found]
