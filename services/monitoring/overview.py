"""What the charts show: a window of the read model beside the time before it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from services import apps, database, readmodel
from services.apps import Stage
from services.messages import Message
from services.money import Currency
from services.monitoring import buckets, markers
from services.monitoring.markers import Marker
from services.monitoring.silence import reasons
from services.readmodel import Part, Scored, Series, State, TraceQuery, Window
from services.verdicts.intervals import wilson

if TYPE_CHECKING:
    from services.workspace import Workspace

HELPFUL, LIVE = "helpful", "live"
PRODUCTION, PEOPLE, EVALUATION = "production", "people", "evaluation"


@dataclass(frozen=True)
class Asked:
    """The last `hours`, of one agent version or of one prompt's version (name/number) where they are given.

    `stage` is the environment that was asked; the numbers of two are never added up.
    """

    hours: float = 24.0
    agent: str = ""
    prompt: str = ""
    stage: Stage = Stage.PRODUCTION

    @property
    def origin(self) -> str:
        """How the traces of that environment are told apart from others."""
        return LIVE if self.stage is Stage.PRODUCTION else self.stage.value

    def window(self, edges: tuple[int, ...]) -> Window:
        return Window(edges, self.origin, self.agent, self.prompt)


@dataclass(frozen=True)
class Score:
    """What a scorer, or people under one name, said in the window. `before`: the same of the time before, if any.

    `kind` keeps production, evaluation and people apart: they are never added up.
    """

    now: Scored
    before: Scored | None

    @property
    def interval(self) -> tuple[float, float]:
        """Holds the true share in 95 of 100 cases (Wilson 1927)."""
        return wilson(self.now.passed, self.now.judged)

    @property
    def more_than_chance(self) -> bool:
        """Whether the share differs from that before by more than chance would do.

        The interval of the difference of two independent shares leaves out nought (Newcombe 1998, Stat. Med. 17:873,
        method 10).
        """
        then = self.before
        if not self.now.judged or then is None or not then.judged:
            return False
        now_share, then_share = self.now.passed / self.now.judged, then.passed / then.judged
        (low, high), (then_low, then_high) = self.interval, wilson(then.passed, then.judged)
        down = ((now_share - low) ** 2 + (then_high - then_share) ** 2) ** 0.5
        up = ((high - now_share) ** 2 + (then_share - then_low) ** 2) ** 0.5
        return not now_share - then_share - down <= 0 <= now_share - then_share + up


@dataclass(frozen=True)
class Overview:
    """Everything that the screen draws. `times` are the beginnings of the buckets, in UTC, and the end of the last.

    Costs are in US dollars, to be shown in `money`.
    """

    asked: Asked
    times: tuple[datetime, ...]
    series: Series
    before: Part
    scores: tuple[Score, ...]
    markers: tuple[Marker, ...]
    silence: tuple[Message, ...]
    state: State
    money: Currency = field(default_factory=Currency)
    judging_changed: bool = False

    @property
    def total(self) -> Part:
        return self.series.total

    def of_kind(self, kind: str) -> tuple[Score, ...]:
        return tuple(one for one in self.scores if one.now.kind == kind)


def overview(workspace: "Workspace", asked: Asked, *, look: bool = True) -> Overview:
    """The traces of the window, in buckets; a long window's are days of the app's time zone.

    `look`: what was left just now is read before.
    """
    if look:
        readmodel.catch_up(workspace)
    now = pd.Timestamp(database.now())
    edges = buckets.edges(now, asked.hours, workspace.app.time_zone)
    series = readmodel.read(workspace, asked.window(edges))
    before = buckets.before(now, edges)
    earlier = readmodel.read(workspace, asked.window(before))
    times = tuple(pd.to_datetime(list(edges), unit="ms", utc=True).to_pydatetime())
    marked = markers.markers(workspace, times[0]) if asked.origin == LIVE else []
    return Overview(
        asked=asked,
        times=times,
        series=series,
        before=earlier.total,
        scores=tuple(_scores(series.scores, earlier.scores)),
        markers=tuple(marked),
        silence=tuple(reasons(workspace, series.total) if asked.origin == LIVE else _nobody(asked, series.total)),
        state=readmodel.state(workspace),
        money=workspace.app.money,
        judging_changed=_judging_changed(workspace, marked, pd.Timestamp(before[0], unit="ms", tz="UTC")),
    )


def _judging_changed(workspace: "Workspace", marked: list[Marker], since: datetime) -> bool:
    """Whether answers from before and from after a change of what judges are counted: then scores may move without the app."""
    changes = [one.at for one in marked if one.judging]
    newest = readmodel.find(workspace, TraceQuery(since=since, limit=1)).rows if changes else ()
    between = [at for at in changes if newest and at <= newest[0].time]
    return bool(between and readmodel.find(workspace, TraceQuery(since=since, until=between[-1], limit=1)).rows)


def _nobody(asked: Asked, total: Part) -> Iterable[Message]:
    if not total.count:
        yield Message("Nobody asked anything in {stage} in this time.", stage=Message(apps.TITLE[asked.stage]))


def _scores(now: Iterable[Scored], before: Iterable[Scored]) -> Iterable[Score]:
    then = {(one.kind, one.name): one for one in before}
    return (Score(one, then.get((one.kind, one.name))) for one in now if one.judged or one.n)
