"""Alerts: rules about production, looked at by the worker, told to people until somebody looks after them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from services.alerts import records
from services.alerts.muting import (
    Maintenance,
    in_maintenance,
    maintenance,
    maintenance_version,
    mute,
    muted_until,
    save_maintenance,
)
from services.alerts.previewing import Episode, Preview, basis, moment, preview
from services.alerts.recipients import Channels, channels, missing
from services.alerts.recipients import save as save_channels
from services.alerts.recipients import version as channels_version
from services.alerts.records import Alert, acknowledge, history
from services.alerts.rules import (
    CHANGING,
    DAYS,
    LONGEST_NAME,
    OF_SCORERS,
    SAMPLE_OF_DRIFT,
    SHARES,
    SLOT_MINUTES,
    TOTALS,
    WINDOWS_OF_DRIFT,
    Baseline,
    Rule,
    Series,
    Way,
    all,
    get,
    remove,
    save,
)
from services.alerts.seen import Found, Seen
from services.alerts.sending import tell_test
from services.alerts.watching import LATE, run, tick
from services.alerts.words import WINDOW, describe
from services.database import now

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "CHANGING",
    "DAYS",
    "LONGEST_NAME",
    "OF_SCORERS",
    "SAMPLE_OF_DRIFT",
    "SHARES",
    "TOTALS",
    "WINDOW",
    "WINDOWS_OF_DRIFT",
    "Alert",
    "Baseline",
    "Channels",
    "Episode",
    "Found",
    "Maintenance",
    "Preview",
    "Rule",
    "Seen",
    "Series",
    "Standing",
    "State",
    "Way",
    "acknowledge",
    "all",
    "basis",
    "channels",
    "channels_version",
    "describe",
    "firing",
    "get",
    "history",
    "in_maintenance",
    "maintenance",
    "maintenance_version",
    "missing",
    "moment",
    "mute",
    "muted_until",
    "preview",
    "remove",
    "run",
    "save",
    "save_channels",
    "save_maintenance",
    "standings",
    "tell_test",
    "tick",
]


# The worker looks once a minute, and reading new traces may take some.
TOLERANCE = timedelta(minutes=10)


class State(StrEnum):
    """How a rule stands. STALE: nobody looked for so long that nobody knows."""

    OK = "ok"
    PENDING = "pending"
    STALE = "stale"
    FIRING = "firing"
    MUTED = "muted"
    OFF = "off"


@dataclass(frozen=True)
class Standing:
    """A rule as the list shows it. `looked_at`: the end of the last window; `alert`: what fires, muted or not."""

    rule: Rule
    state: State
    looked_at: datetime | None
    muted_until: datetime | None
    alert: Alert | None


def standings(workspace: "Workspace") -> list[Standing]:
    """Every rule as it stands, what fires first."""
    looks, muted = records.looks(workspace), muted_until(workspace)
    fires = {one.rule_id: one for one in records.open_alerts(workspace)}
    quiet = in_maintenance(workspace)
    found = []
    for rule in all(workspace):
        look = looks.get(rule.id)
        look = look if look and look.by(rule) else None
        until = muted.get(rule.id) or (quiet.end if quiet else None)
        state = _state(rule, look, fires.get(rule.id), until)
        found.append(Standing(rule, state, look.at if look else None, until, fires.get(rule.id)))
    return sorted(found, key=lambda one: one.alert is None)


def firing(workspace: "Workspace") -> list[Standing]:
    """What fires now, for every screen that should say so; what is muted is left out."""
    return [one for one in standings(workspace) if one.state is State.FIRING]


def _state(rule: Rule, look: records.Look | None, alert: Alert | None, muted: datetime | None) -> State:
    if not rule.on:
        return State.OFF
    if muted is not None:
        return State.MUTED
    if alert is not None:
        return State.FIRING
    if look is not None and look.at < now() - timedelta(minutes=rule.step * SLOT_MINUTES) - LATE - TOLERANCE:
        return State.STALE
    if look is None or look.seen["found"] in (Found.NO_DATA, Found.NO_BASELINE):
        return State.PENDING
    return State.OK
