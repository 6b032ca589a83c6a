"""Production before a moment and after it, over stretches of the same length."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from services import database, readmodel
from services.messages import Message
from services.monitoring.buckets import QUARTER
from services.monitoring.overview import PRODUCTION, Score
from services.readmodel import Part, Window

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST = timedelta(days=7)
SHORTEST = timedelta(minutes=15)


@dataclass(frozen=True)
class Effect:
    """What live traffic was like from `since` to `moved` and from `resumed` to `until`.

    The quarter hour of the moment itself belongs to neither.
    """

    since: datetime
    moved: datetime
    resumed: datetime
    until: datetime
    before: Part
    after: Part
    scores: tuple[Score, ...]

    @property
    def length(self) -> timedelta:
        return self.until - self.resumed


def effect(workspace: "Workspace", moved_at: datetime, ended_at: datetime | None = None) -> Effect | None:
    """Up to LONGEST on each side; None while the first quarter hour after the moment is not over.

    `ended_at`: when something else took its place.
    """
    moved, resumed = pd.Timestamp(moved_at).floor(QUARTER), pd.Timestamp(moved_at).ceil(QUARTER)
    until = pd.Timestamp(ended_at or database.now()).floor(QUARTER)
    length = min(until - resumed, pd.Timedelta(LONGEST))
    if length < SHORTEST:
        return None
    readmodel.catch_up(workspace)
    before = readmodel.read(workspace, Window((_millis(moved - length), _millis(moved))))
    after = readmodel.read(workspace, Window((_millis(resumed), _millis(resumed + length))))
    then = {one.name: one for one in before.scores if one.kind == PRODUCTION}
    now = [one for one in after.scores if one.kind == PRODUCTION and one.judged]
    since, moved, resumed, until = (
        one.to_pydatetime().astimezone(UTC) for one in (moved - length, moved, resumed, resumed + length)
    )
    scores = tuple(Score(one, then.get(one.name)) for one in now)
    return Effect(since, moved, resumed, until, before.total, after.total, scores)


def told(score: Score) -> Message:
    """Whether a share of passed answers differs from the time before by more than chance."""
    now, then = score.now.rate, score.before.rate if score.before else None
    if now is None or then is None:
        return Message("Not judged before")
    if not score.more_than_chance:
        return Message("Cannot tell yet")
    return Message("Better") if now > then else Message("Worse")


def _millis(time: pd.Timestamp) -> int:
    return int(time.timestamp() * 1000)
