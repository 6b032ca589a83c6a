"""What each production scorer has had to judge, and how soon it would notice that answers got worse."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from services import database, readmodel
from services.messages import Message
from services.monitoring import buckets
from services.platforms import MonitoredScorer
from services.readmodel import Part, Scored, Window
from services.verdicts import sizes

if TYPE_CHECKING:
    from services.workspace import Workspace

DAYS = 7
DROP = 0.05
LONGEST = 60
FEW = 5.0
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Watch:
    """One scorer over the last DAYS days: `judged` of the `live` answers; `silent` says why it judges none.

    `per_day` answers are judged at its present share; after `days` of them a drop by DROP is noticed 8 times out of 10,
    None for scores that are no yes or no.
    """

    judged: int
    live: int
    per_day: float
    days: float | None
    silent: Message | None

    @property
    def told(self) -> Message:
        if self.silent is not None:
            return self.silent
        n = round(self.per_day)
        if not n:
            return Message("Judges fewer than one answer a day: too few to notice a drop soon.")
        if self.days is None:
            return Message("Judges about {n} {n:answer|answers} a day.", n=n)
        if self.days > LONGEST:
            return Message(
                "Judges about {n} {n:answer|answers} a day: too few to notice a drop by 5 points within two months.",
                n=n,
            )
        return Message(
            "Judges about {n} {n:answer|answers} a day. A drop by 5 points shows within {days} {days:day|days} in 8 of 10 cases.",
            n=n,
            days=max(round(self.days), 1),
        )


def watches(workspace: "Workspace", scorers: Iterable[MonitoredScorer]) -> dict[str, Watch]:
    """The production scorers that run, or did lately, by name, from the read model as it is."""
    now = pd.Timestamp(database.now())
    edges = buckets.edges(now, DAYS * 24, workspace.app.time_zone)
    series = readmodel.read(workspace, Window(edges))
    days = _days(now, edges, series.buckets)
    said = {one.name: one for one in series.scores if one.kind == "production"}
    live = series.total.count - series.total.errors
    shown = [one for one in scorers if one.running or one.name in said]
    standstill = workspace.platform.scoring.standstill(workspace) if any(one.running for one in shown) else None
    return {one.name: _watch(one, live, days, said.get(one.name), standstill) for one in shown}


def _watch(scorer: MonitoredScorer, live: int, days: float, said: Scored | None, standstill: Message | None) -> Watch:
    judged = max(said.judged, said.n) if said else 0
    per_day = live / days * scorer.rate
    silent = None if judged and scorer.running else _silent(scorer, live, standstill)
    yes_or_no = said is None or said.judged > 0
    # One more of each kind: a few answers that all passed do not prove that none ever fails.
    level = ((said.passed if said else 0) + 1) / ((said.judged if said else 0) + 2)
    needed = sizes.for_drop(level, DROP) if yes_or_no and judged else None
    return Watch(judged, live, per_day, needed / per_day if needed and per_day else None, silent)


def _silent(scorer: MonitoredScorer, live: int, standstill: Message | None) -> Message:
    if not scorer.running:
        return Message("Paused: no new answer is judged, and its line in the charts ends. Tick it and save to go on.")
    if not live:
        return Message("Nobody was answered in the last {n} days: there was nothing to judge.", n=DAYS)
    if standstill is not None:
        return standstill
    if live * scorer.rate < FEW:
        return Message(
            "No verdict yet: {n} {n:answer was|answers were} given in the last {days} days, and a share of {share} % may "
            "leave them all out. Raise the share.",
            n=live,
            days=DAYS,
            share=round(scorer.rate * 100),
        )
    return Message(
        "No verdict in the last {days} days, although {n} {n:answer was|answers were} given. Press “Judge older answers of "
        "this time”; if none comes, an answer on the Traces screen says what failed.",
        n=live,
        days=DAYS,
    )


def _days(now: pd.Timestamp, edges: Sequence[int], parts: Sequence[Part]) -> float:
    """Since people began to ask in this time, a day at least."""
    first = next((edge for edge, part in zip(edges, parts, strict=False) if part.count), edges[-1])
    return max((now.timestamp() * 1000 - first) / DAY_MS, 1.0)
