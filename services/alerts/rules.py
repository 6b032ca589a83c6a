"""What an app wants to be told: rules as one versioned setting, each about one series in one window."""

import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from services import apps, audit
from services.audit import Verb
from services.database import alert_look, writing
from services.errors import InvalidInputError, NotFoundError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

RULES = "alert_rules"
SLOT_MINUTES = 15
WINDOWS = (15, 60, 360, 1440)
WINDOWS_OF_DRIFT = (360, 1440)
LOOKS_PER_WINDOW = 4
# Of each window so many answers are compared.
SAMPLE_OF_DRIFT = 300
DAYS = {"week": 7, "month": 30, "quarter": 91}
LONGEST_NAME = 80


class Series(StrEnum):
    """What is watched."""

    PASSED = "passed"
    ERRORS = "errors"
    LATENCY = "latency"
    VOLUME = "volume"
    TOKENS = "tokens"
    COST = "cost"
    DISAGREEMENT = "disagreement"
    DRIFT = "drift"
    SILENCE = "silence"


SHARES = (Series.PASSED, Series.ERRORS, Series.DISAGREEMENT)
TOTALS = (Series.VOLUME, Series.TOKENS, Series.COST)
OF_SCORERS = (Series.PASSED, Series.DISAGREEMENT)


class Way(StrEnum):
    """When it is told: beyond a limit, or more than chance would move it against a baseline."""

    ABOVE = "above"
    BELOW = "below"
    RISES = "rises"
    FALLS = "falls"
    CHANGES = "changes"
    STOPS = "stops"


CHANGING = (Way.RISES, Way.FALLS, Way.CHANGES)


class Baseline(StrEnum):
    """What a change is measured against."""

    BEFORE = "before"
    SAME_HOURS = "same_hours"


@dataclass(frozen=True)
class Rule:
    """One rule. `scorer` is empty where none is watched; `limit`: a share of one, seconds, a count or US dollars; of
    a change, the least that matters, in points of a share or parts of what it was.

    `once_in`: a quiet series fires for nothing at most once in that time, on average. `least`: fewer answers are no
    data. `again_hours`: told again after so long while it fires, never with 0. `to`: the channels by name.
    """

    id: str
    name: str
    series: Series
    way: Way
    scorer: str = ""
    minutes: int = 60
    limit: float = 0.0
    baseline: Baseline = Baseline.SAME_HOURS
    once_in: str = "month"
    least: int = 20
    tell_no_data: bool = False
    again_hours: int = 24
    to: tuple[str, ...] = ()
    on: bool = True

    @property
    def changing(self) -> bool:
        return self.way in CHANGING

    @property
    def watched(self) -> list[str]:
        """What decides whether it fires: a look with other words here says nothing of this rule."""
        chosen = (self.series.value, self.way.value, self.scorer, self.minutes, self.limit, self.baseline.value)
        return [str(one) for one in (*chosen, self.once_in, self.least, self.tell_no_data)]

    @property
    def slots(self) -> int:
        """The window in quarter hours."""
        return self.minutes // SLOT_MINUTES

    @property
    def step(self) -> int:
        """Quarter hours from look to look: a limit is looked at each time, a comparison four times in its window."""
        return max(1, self.slots // LOOKS_PER_WINDOW) if self.changing else 1

    @property
    def alpha(self) -> float:
        """What one look may err by, so that all looks of the stated time together fire at most once (Bonferroni)."""
        return self.step * SLOT_MINUTES / (DAYS[self.once_in] * 24 * 60)


def all(workspace: "Workspace") -> list[Rule]:
    """The app's rules by name."""
    return sorted(_stored(workspace)[1], key=lambda one: one.name.casefold())


def get(workspace: "Workspace", id: str) -> Rule:
    """One rule; raises NotFoundError."""
    found = next((one for one in all(workspace) if one.id == id), None)
    if found is None:
        raise NotFoundError(Message("There is no such alert rule."), Message("Choose one from the list."))
    return found


def name_of(workspace: "Workspace", id: str) -> str:
    """How people call a rule; its id when it is gone."""
    return next((one.name for one in all(workspace) if one.id == id), id)


def save(workspace: "Workspace", rule: Rule) -> Rule:
    """Store a rule, a new one under a new id; raises InvalidInputError with what to correct."""
    rule = checked(rule)
    version, stored = _stored(workspace)
    before = next((one for one in stored if one.id == rule.id), None)
    rule = rule if before else replace(rule, id=_new_id(rule.name))
    kept = [*(one for one in stored if one.id != rule.id), rule]
    with audit.change(workspace, Verb.SAVE_ALERT, rule.name, _plain(before), _plain(rule)):
        apps.save_setting(workspace, RULES, [_plain(one) for one in kept], read=version)
    return rule


def remove(workspace: "Workspace", id: str) -> None:
    """Take a rule away; what it told stays in the history."""
    version, stored = _stored(workspace)
    gone = get(workspace, id)
    with audit.change(workspace, Verb.SAVE_ALERT, gone.name, _plain(gone), None):
        apps.save_setting(workspace, RULES, [_plain(one) for one in stored if one.id != id], read=version)
        _forget_look(workspace, id)


def checked(rule: Rule) -> Rule:
    """The rule with what its series leaves no choice about; raises InvalidInputError."""
    rule = replace(rule, name=rule.name.strip()[:LONGEST_NAME])
    if rule.series is Series.SILENCE:
        rule = replace(rule, way=Way.STOPS, tell_no_data=False)
    if rule.series is Series.DRIFT:
        rule = replace(rule, way=Way.CHANGES)
    if not rule.name:
        raise InvalidInputError(Message("The rule needs a name."), Message("Write what people should read first."))
    if rule.series in OF_SCORERS and not rule.scorer:
        raise InvalidInputError(
            Message("No scorer is chosen."), Message("Choose the scorer whose verdicts are watched.")
        )
    _check_numbers(rule)
    return rule


def _check_numbers(rule: Rule) -> None:
    highest = 1.0 if rule.series in (*SHARES, Series.DRIFT) else 1e12
    if not 0 <= rule.limit <= highest:
        raise InvalidInputError(
            Message("A share lies between 0 % and 100 %, other limits are not below 0."), Message("Correct the limit.")
        )
    if rule.series is Series.DRIFT and rule.minutes not in WINDOWS_OF_DRIFT:
        raise InvalidInputError(
            Message("Too little is asked in so short a time to tell whether it changed."),
            Message("Choose 6 or 24 hours."),
        )
    if rule.series is Series.DRIFT and rule.least > SAMPLE_OF_DRIFT:
        raise InvalidInputError(
            Message("A rule about drift looks at {n} answers of each window at most.", n=SAMPLE_OF_DRIFT),
            Message("Let fewer answers be enough."),
        )
    if rule.minutes not in WINDOWS or rule.once_in not in DAYS or rule.least < 1:
        raise InvalidInputError(
            Message("The window, or how sure it must be, is not one of the choices."), Message("Choose it again.")
        )


def _stored(workspace: "Workspace") -> tuple[int, list[Rule]]:
    version, stored = apps.load_version(workspace, RULES)
    return version, [_rule(one) for one in stored or []]


def _rule(stored: dict[str, Any]) -> Rule:
    typed = {"series": Series(stored["series"]), "way": Way(stored["way"]), "baseline": Baseline(stored["baseline"])}
    return Rule(**stored | typed | {"to": tuple(stored["to"])})


def _plain(rule: Rule | None) -> dict[str, Any] | None:
    return asdict(rule) | {"to": list(rule.to)} if rule else None


def _new_id(name: str) -> str:
    """It begins with words of the name, and no rule ever has it again: mutes and what was told stay with their rule."""
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "rule"
    return f"{word}-{token_hex(4)}"


def _forget_look(workspace: "Workspace", id: str) -> None:
    mine = (alert_look.c.app_id == workspace.app.id) & (alert_look.c.rule_id == id)
    with writing(workspace.engine) as connection:
        connection.execute(delete(alert_look).where(mine))
