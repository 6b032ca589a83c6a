"""How much better or worse a new version is, with an interval that holds at every look.

Each answer, or each pair of answers to one question, gives a gain x between -`bound` and `bound` whose expectation is the
change of the share of good answers. Whoever bets a part l of a capital on “the change is below m” multiplies it by
1 + l * (m - x) at each gain. While the change is m or more that factor is 1 at most in expectation, so that the capital ever
reaches n with a chance of at most 1/n (Ville); the capital is the mean over several l, as in `sequential`. The interval
is made of the m against which neither side's capital has ever reached the line (Waudby-Smith and Ramdas 2024, Estimating
means of bounded random variables by betting, J. R. Stat. Soc. B 86), one line for each side.

Of pairs the gain is new - live. Of a split, where an answer of quality y is the new version's with chance s, it is
(y - p) * (1/s or -1/(1 - s)), p the share of good answers before it (Horvitz and Thompson 1952, centred by the past).
"""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.verdicts.sequential import FEWEST, QUANTILE

BETS = np.array([0.02, 0.05, 0.1, 0.2, 0.5, 0.95])[:, None]
PRECISION = 0.001
Gains = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """One answer judged: of the new version or the other, good or not, and good with what a change may cost."""

    new: bool
    good: bool
    lenient: bool


@dataclass(frozen=True)
class Change:
    """The interval of the change, from -1 to 1, and the `evidence` that the new version is worse."""

    low: float
    high: float
    evidence: float


Round = Sequence[Told]


def within(rounds: Iterable[Sequence[tuple[bool, float]]], tolerance: float) -> list[list[Told]]:
    """Amounts as good or not: not above what QUANTILE of those before kept to; the first FEWEST only set the amount.

    Leniently, one of the new version is first divided by 1 + `tolerance`. More is worse.
    """
    past, told = list[float](), list[list[Told]]()
    for one in rounds:
        if len(past) >= FEWEST:
            limit = past[int(QUANTILE * (len(past) - 1))]
            told.append([Told(new, a <= limit, a / (1 + tolerance if new else 1) <= limit) for new, a in one])
        for _, amount in one:
            bisect.insort(past, amount)
    return told


def of_pairs(rounds: Sequence[Round], line: float) -> Change:
    """Both versions answered the same question: each round has the other's answer and the new one's."""
    strict, lenient = (_paired(rounds, one) for one in (False, True))
    return _change(strict, lenient, 1.0, line)


def of_split(rounds: Sequence[Round], share: float, line: float) -> Change:
    """Each question was answered by one version, by the new one with that chance."""
    strict, lenient = (_weighted(rounds, share, one) for one in (False, True))
    return _change(strict, lenient, max(1 / share, 1 / (1 - share)), line)


def _paired(rounds: Sequence[Round], lenient: bool) -> Gains:
    return np.array([sum(_quality(one, lenient) * (1 if one.new else -1) for one in pair) for pair in rounds], float)


def _weighted(rounds: Sequence[Round], share: float, lenient: bool) -> Gains:
    new = np.array([one.new for (one,) in rounds], bool)
    good = np.array([_quality(one, lenient) for (one,) in rounds], float)
    before = (np.concatenate([[0.0], good.cumsum()[:-1]]) + 1) / (np.arange(len(good)) + 2) if len(good) else good
    return np.asarray((good - before) * np.where(new, 1 / share, -1 / (1 - share)))


def _quality(one: Told, lenient: bool) -> int:
    return int(one.lenient if lenient else one.good)


def _change(strict: Gains, lenient: Gains, bound: float, line: float) -> Change:
    """Better must be shown strictly, and worse beyond what a change may cost: the interval reaches from one to the other."""
    high = -_edge(-lenient, bound, line)
    return Change(_edge(strict, bound, line), high, round(_peak(-lenient, 0.0, bound), 3))


def _edge(gains: Gains, bound: float, line: float) -> float:
    """The largest change that is shown to be exceeded, above 0 exactly when “no change” is: halving finds it.

    The capital falls with the change.
    """
    shown = _peak(gains, 0.0, bound) >= line
    low, high = (0.0, 1.0) if shown else (-1.0, 0.0)
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if _peak(gains, middle, bound) >= line else (low, middle)
    return high if shown else low


def _peak(gains: Gains, change: float, bound: float) -> float:
    """The most that betting on “it exceeds `change`” has ever made of 1."""
    if not len(gains):
        return 1.0
    logs = np.log1p(BETS / (bound + 1) * (gains - change)).cumsum(axis=1)
    return max(1.0, float(np.exp(np.minimum(logs, 700.0)).mean(axis=0).max()))
