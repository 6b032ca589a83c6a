"""When a rule would have fired, had it been there: the same looks as the tick's, over past windows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services import readmodel
from services.alerts import looking, rules, watching
from services.alerts.rules import Rule
from services.alerts.seen import Found, Seen
from services.errors import NotReadyError
from services.messages import Message
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.workspace import Workspace

DAYS = 14
SLOTS_A_DAY = 96


@dataclass(frozen=True)
class Episode:
    """One time that it would have fired; `until` is the look that was calm again, or the newest one."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Preview:
    """`seen`: every look, oldest first; `episodes`: when people would have been told."""

    rule: Rule
    seen: tuple[Seen, ...]
    episodes: tuple[Episode, ...]

    @property
    def unknown(self) -> int:
        """Looks that found too little to tell."""
        return sum(one.found in (Found.NO_DATA, Found.NO_BASELINE) for one in self.seen)


def preview(workspace: "Workspace", rule: Rule, days: int = DAYS) -> Preview:
    """Look at every window of the last `days`; raises InvalidInputError for a rule that cannot be saved."""
    rule = rules.checked(rule)
    end = _newest(workspace, rule)
    ends = list(range(end - days * SLOTS_A_DAY // rule.step * rule.step, end + 1, rule.step))
    seen = looking.at(workspace, rule, ends)
    return Preview(rule, tuple(seen), tuple(episodes(rule, seen)))


def basis(workspace: "Workspace", rule: Rule) -> tuple[object, ...]:
    """While this is the same, so is the preview of a rule about drift, which takes seconds; raises what `preview` does."""
    rule = rules.checked(rule)
    return workspace.app.id, workspace.app.time_zone, *rule.watched, _newest(workspace, rule)


def episodes(rule: Rule, seen: list[Seen]) -> list[Episode]:
    """Looks that fire, joined as the tick joins them: over when enough looks in a row are calm."""
    found: list[Episode] = []
    began, calm = None, 0
    for one in seen:
        if watching.fires(rule, one):
            began, calm = began or moment(one), 0
        elif began and one.found is Found.CALM:
            calm += 1
            if calm >= watching.calm_looks(rule):
                found.append(Episode(began, moment(one)))
                began = None
    return [*found, Episode(began, moment(seen[-1]))] if began else found


def moment(seen: Seen) -> datetime:
    """When a look would have been made: the end of its window."""
    return datetime.fromtimestamp(seen.end * SLOT_MS / 1000, UTC)


def _newest(workspace: "Workspace", rule: Rule) -> int:
    """The end of the newest window; raises NotReadyError before anything was read."""
    readmodel.catch_up(workspace)
    end = watching.due(readmodel.state(workspace), rule)
    if end is None:
        raise NotReadyError(
            Message("The traces of {app} have not been read yet.", app=workspace.app.name),
            Message("Wait a minute, then try the rule again."),
        )
    return end
