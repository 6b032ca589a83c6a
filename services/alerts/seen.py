"""What one look of a rule says, and which hours it is compared with."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.alerts.rules import Rule
from services.readmodel.facts import SLOT_MS

DAYS = 7
DAY = 24 * 4


class Found(StrEnum):
    """What one look says. NO_BASELINE: there is nothing to compare with yet."""

    CALM = "calm"
    FIRES = "fires"
    NO_DATA = "no_data"
    NO_BASELINE = "no_baseline"


@dataclass(frozen=True)
class Seen:
    """One look: `now` and `before` in the series' own unit, nan when unknown; `n`: the answers it rests on.

    `what` changed most, where a rule watches many things at once.
    """

    end: int
    found: Found
    now: float
    before: float
    n: int
    n_before: int
    what: str = ""


def same_hours(rule: Rule, ends: npt.NDArray[Any], zone: str) -> npt.NDArray[Any]:
    """The ends of the windows of the last seven days, oldest first: the same hours by the app's clocks."""
    local = pd.to_datetime(ends * SLOT_MS, unit="ms", utc=True).tz_convert(zone).tz_localize(None)
    found = []
    for day in range(DAYS, 0, -1):
        then = (local - pd.Timedelta(days=day)).tz_localize(
            zone, nonexistent="shift_forward", ambiguous=np.ones(len(ends), dtype=bool)
        )
        found.append(np.asarray(then.as_unit("ms").asi8) // SLOT_MS)
    return np.minimum(np.stack(found, axis=1), (ends - rule.slots)[:, None])
