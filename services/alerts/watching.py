"""The worker's tick: look at what is due, open and end alerts, have people told."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import readmodel
from services.alerts import looking, muting, records, rules, sending, words
from services.alerts.records import Alert, Look
from services.alerts.rules import Rule
from services.alerts.seen import Found, Seen
from services.database import now
from services.errors import NotReadyError
from services.readmodel import State
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

JOB = "watch_alerts"
EVERY = 60
# Traces come seconds late, verdicts about a minute: a window is looked at when these had time to arrive.
LATE = timedelta(minutes=3)
CALM_LOOKS = 2
PATIENCE = 5.0


@dataclass(frozen=True)
class Standing:
    """How everything stood before the looks, asked once for all rules; `looks` and open `alerts` by the rule's id."""

    state: State
    looks: dict[str, Look]
    alerts: dict[str, Alert]

    @classmethod
    def now(cls, workspace: "Workspace") -> "Standing":
        alerts = {alert.rule_id: alert for alert in records.open_alerts(workspace)}
        return cls(readmodel.state(workspace), records.looks(workspace), alerts)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the recurring job."""
    try:
        readmodel.catch_up(workspace, PATIENCE)
    except NotReadyError:
        return {"looked": 0}
    return {"looked": tick(workspace)}


def tick(workspace: "Workspace") -> int:
    """Everything that is due; may be interrupted anywhere and done again. Returns how many rules were looked at."""
    known = {rule.id: rule for rule in rules.all(workspace)}
    # First what a tick that was killed has left: a look may end it before anybody heard of it.
    _tell(workspace, known, {})
    stood = Standing.now(workspace)
    looks = {rule.id: look for rule in known.values() if rule.on and (look := _look(workspace, rule, stood))}
    for alert in stood.alerts.values():
        rule = known.get(alert.rule_id)
        if rule is None or not rule.on:
            records.end(workspace, alert, rules.name_of(workspace, alert.rule_id))
    _tell(workspace, known, stood.looks | looks)
    return len(looks)


def due(state: State, rule: Rule) -> int | None:
    """The end of the newest window that everything has arrived of; None before anything was read."""
    if not state.complete or state.looked_at is None:
        return None
    last = int((state.looked_at - LATE).timestamp() * 1000) // SLOT_MS
    return last // rule.step * rule.step


def fires(rule: Rule, seen: Seen) -> bool:
    """Whether people are told of such a look."""
    return _told_of(rule, seen.found)


def _told_of(rule: Rule, found: Found) -> bool:
    return found is Found.FIRES or (found is Found.NO_DATA and rule.tell_no_data)


def calm_looks(rule: Rule) -> int:
    """How many calm looks in a row end an alert; those of a comparison are a quarter of its window apart."""
    return 1 if rule.changing else CALM_LOOKS


def _look(workspace: "Workspace", rule: Rule, stood: Standing) -> Look | None:
    """One look at the newest window, once; windows that passed while nobody looked are not made up for."""
    end, before, there = due(stood.state, rule), stood.looks.get(rule.id), stood.alerts.get(rule.id)
    if end is None:
        return None
    at, same = datetime.fromtimestamp(end * SLOT_MS / 1000, UTC), before is None or before.by(rule)
    if before is not None and same and before.at == at:  # a later one is of a clock that was put back since
        return None
    if there is not None and not same:
        # What the rule told before it was changed is over, whatever it says now.
        records.end(workspace, there, rule.name)
        there = None
    (seen,) = looking.at(workspace, rule, [end])
    _settle(workspace, rule, seen, there)
    # Last: a tick that is killed before looks again and finds the alert open.
    look = Look(at, _plain(rule, seen))
    records.keep_look(workspace, rule.id, look.at, look.seen)
    return look


def _settle(workspace: "Workspace", rule: Rule, seen: Seen, there: Alert | None) -> None:
    if fires(rule, seen) and there is None:
        records.start(workspace, rule, words.of(workspace, rule, seen))
    elif fires(rule, seen) and there is not None:
        records.go_on(workspace, there, words.of(workspace, rule, seen))
    elif seen.found is Found.CALM and there is not None:
        records.calm_down(workspace, there, rule.name, calm_looks(rule))


def _tell(workspace: "Workspace", known: dict[str, Rule], looks: dict[str, Look]) -> None:
    """Nobody is reminded of what has no look here."""
    silent = muting.in_maintenance(workspace) is not None
    muted = muting.muted_until(workspace)
    for alert in records.open_alerts(workspace):
        rule = known.get(alert.rule_id)
        if rule and not silent and rule.id not in muted and _wanted(rule, alert, looks.get(alert.rule_id)):
            sending.tell(workspace, rule, alert, sending.STILL if alert.told else sending.FIRING)
            records.was_told(workspace, alert)
    for alert in records.untold_ends(workspace):
        rule = known.get(alert.rule_id)
        if silent or alert.rule_id in muted:
            continue
        if rule and rule.on:
            sending.tell(workspace, rule, alert, sending.OVER)
        records.was_told(workspace, alert, over=True)


def _wanted(rule: Rule, alert: Alert, look: Look | None) -> bool:
    """The first time always; again after the rule's hours while looks fire, unless somebody looks after it."""
    if alert.told_at is None:
        return True
    if look is None or not look.by(rule) or not _told_of(rule, Found(look.seen["found"])):
        return False
    again = rule.again_hours and now() - alert.told_at >= timedelta(hours=rule.again_hours)
    return bool(again) and alert.acknowledged_by is None


def _plain(rule: Rule, seen: Seen) -> dict[str, Any]:
    numbers = {name: getattr(seen, name) for name in ("now", "before")}
    known = {name: None if math.isnan(value) else value for name, value in numbers.items()}
    counts = {"end": seen.end, "n": seen.n, "n_before": seen.n_before}
    return {"found": seen.found.value, "watched": rule.watched, **counts, **known}
