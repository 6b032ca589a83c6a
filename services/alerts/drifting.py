"""A rule about what people ask and are answered: a sample of the window beside samples of the hours before it.

Samples are drawn by stretches as long as the time between two looks, so that windows that overlap share them.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from services import readmodel
from services.alerts.rules import SAMPLE_OF_DRIFT, Baseline, Rule
from services.alerts.seen import Found, Seen, same_hours
from services.monitoring import drifting
from services.monitoring.drifting import Traits
from services.monitoring.overview import LIVE
from services.readmodel import Stretch
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.workspace import Workspace

# Stretches in a window.
LOOKS = 4

Sampled = Callable[[int], Traits]


def at(workspace: "Workspace", rule: Rule, ends: list[int]) -> list[Seen]:
    """Look at the windows that end at these quarter hours, ascending."""

    @cache
    def sampled(end: int) -> Traits:
        since, until = (datetime.fromtimestamp(slot * SLOT_MS / 1000, UTC) for slot in (end - rule.step, end))
        return drifting.traits(readmodel.sample(workspace, Stretch(since, until, LIVE), SAMPLE_OF_DRIFT // LOOKS))

    return judged(sampled, rule, ends, workspace.app.time_zone)


def judged(sampled: Sampled, rule: Rule, ends: list[int], zone: str = "UTC") -> list[Seen]:
    """The same from the samples themselves, each by the quarter hour at which its stretch ends."""
    days = same_hours(rule, np.asarray(ends), zone).tolist()
    before = days if rule.baseline is Baseline.SAME_HOURS else [[end - rule.slots] for end in ends]
    return [_look(sampled, rule, end, others) for end, others in zip(ends, before, strict=True)]


def _look(sampled: Sampled, rule: Rule, end: int, others: list[int]) -> Seen:
    now = _window(sampled, rule, [end])
    before = _window(sampled, rule, others)
    least = max(rule.least, drifting.FEWEST)
    if min(len(now), len(before)) < least:
        thin = Found.NO_DATA if len(now) < least else Found.NO_BASELINE
        return Seen(end, thin, float("nan"), float("nan"), len(now), len(before))
    # Features and words are two families: each may err by half.
    most, size, moved = drifting.most_changed(before, now, rule.alpha / 2, rule.limit)
    return Seen(end, Found.FIRES if moved else Found.CALM, size, float("nan"), len(now), len(before), most)


def _window(sampled: Sampled, rule: Rule, ends: list[int]) -> Traits:
    stretches = (end - back * rule.step for end in ends for back in reversed(range(rule.slots // rule.step)))
    return drifting.joined([sampled(stretch) for stretch in stretches])
