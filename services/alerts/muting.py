"""When nobody is told: a rule that is muted until a time, and maintenance windows of the whole app."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services import apps, audit
from services.alerts import rules
from services.audit import Verb
from services.database import now
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

MUTES, MAINTENANCE = "alert_mutes", "alert_maintenance"


@dataclass(frozen=True)
class Maintenance:
    """A time in which nothing is told; what still fires at its end is told then."""

    start: datetime
    end: datetime
    why: str


def muted_until(workspace: "Workspace") -> dict[str, datetime]:
    """The rules that are muted now, by id."""
    stored = apps.load_setting(workspace, MUTES) or {}
    found = {id: datetime.fromisoformat(until) for id, until in stored.items()}
    return {id: until for id, until in found.items() if until > now()}


def mute(workspace: "Workspace", rule_id: str, until: datetime | None) -> None:
    """Tell nobody of this rule until then; None ends it."""
    version, _stored = apps.load_version(workspace, MUTES)
    before = muted_until(workspace)
    kept = {id: one.isoformat() for id, one in before.items() if id != rule_id}
    after = kept | ({rule_id: until.isoformat()} if until else {})
    with audit.change(workspace, Verb.MUTE_ALERT, rules.name_of(workspace, rule_id), after=after.get(rule_id)):
        apps.save_setting(workspace, MUTES, after, read=version)


def maintenance(workspace: "Workspace") -> list[Maintenance]:
    """The windows that are not over, the earliest first."""
    stored = apps.load_setting(workspace, MAINTENANCE) or []
    found = [
        Maintenance(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]), one["why"])
        for one in stored
    ]
    return sorted((one for one in found if one.end > now()), key=lambda one: one.start)


def maintenance_version(workspace: "Workspace") -> int:
    """Which version of the windows stands now, for `save_maintenance`."""
    return apps.load_version(workspace, MAINTENANCE)[0]


def save_maintenance(workspace: "Workspace", wanted: list[Maintenance], read: int | None = None) -> None:
    """Store the windows; raises InvalidInputError for one that ends before it begins, or gives no reason, or is new and over.

    `read`: the version that they were made from; raises ConflictError when it is not the newest any more.
    """
    version, before = apps.load_version(workspace, MAINTENANCE)
    after = [{"start": one.start.isoformat(), "end": one.end.isoformat(), "why": one.why} for one in wanted]
    for one, stored in zip(wanted, after, strict=True):
        _check(one, new=stored not in (before or []))
    with audit.change(workspace, Verb.MUTE_ALERT, "maintenance windows", before, after):
        apps.save_setting(workspace, MAINTENANCE, after, read=version if read is None else read)


def _check(one: Maintenance, new: bool) -> None:
    if not one.why.strip():
        raise InvalidInputError(
            Message("A maintenance window needs a reason."), Message("Say why nothing is to be told in that time.")
        )
    if one.start.astimezone(UTC) >= one.end.astimezone(UTC):
        raise InvalidInputError(Message("A maintenance window begins before it ends."), Message("Correct the window."))
    if new and one.end <= now():
        raise InvalidInputError(
            Message("That maintenance window is over already."), Message("Choose a later day or a later hour.")
        )


def in_maintenance(workspace: "Workspace") -> Maintenance | None:
    """The window that it is now."""
    return next((one for one in maintenance(workspace) if one.start <= now() < one.end), None)
