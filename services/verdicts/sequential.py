"""Whether a new version does worse than the one beside it, asked after every answer without losing its meaning.

Each question goes to the new version with a known chance `share`. If both versions were equally good, the answer's
quality would say nothing about which of them gave it. The test bets on the opposite: its capital is a mixture of
likelihood ratios over possible drops d, with the pooled share of good answers p read from the past alone,

    new version:  b(y) / m(y),   other:  a(y) / m(y),   a = p + share*d,  b = a - d,  m = (1 - share)*a + share*b

of Bernoulli chances a, b, m. Whatever the quality is, and however it drifts with the hour, the expected factor is at
most 1 unless the new version is worse, so that the capital exceeds n with a chance of at most 1/n at any time (Ville):
looking after every answer costs nothing. The two-sample e-variable is that of Turner, Ly and Gruenwald (2024), Generic
E-variables for exact sequential k-sample tests, J. Stat. Plan. Inference 230, here for one answer with a random arm;
the mixture over d is Robbins' (1970). Several capitals are judged together at n times their number (Vovk and Wang,
2021, E-values, Ann. Statist. 49).
"""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DROPS = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
SMALLEST = 1e-3
QUANTILE = 0.8
FEWEST = 20


@dataclass(frozen=True)
class Seen:
    """One answer: of the new version or of the other, the new one's `share` of the traffic then, and its value."""

    new: bool
    share: float
    value: float


@dataclass
class Capital:
    """What betting on “the new version is worse” has made of 1; `peak` is the most it ever was."""

    answers: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    good: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    peak: float = 1.0
    _logs: np.ndarray = field(default_factory=lambda: np.zeros(len(DROPS)))

    def add(self, new: bool, share: float, good: bool) -> None:
        """Take in one answer; the chances are set before it is looked at."""
        if 0 < share < 1:
            pooled = (sum(self.good.values()) + 1) / (sum(self.answers.values()) + 2)
            self._logs = self._logs + np.log(factors(pooled, share, new, good))
            self.peak = max(self.peak, self.now)
        self.answers[new] += 1
        self.good[new] += int(good)

    @property
    def now(self) -> float:
        """The mixture over all drops."""
        return float(np.mean(np.exp(np.minimum(self._logs, 700.0))))

    def rate(self, new: bool) -> float | None:
        return self.good[new] / self.answers[new] if self.answers[new] else None


def factors(pooled: Any, share: Any, new: Any, good: Any) -> Any:
    """What one answer multiplies the capital of each of DROPS by; numbers, or columns of many streams.

    `pooled` is the share of good answers before it, of both versions together.
    """
    other = np.clip(pooled + share * DROPS, SMALLEST, 1 - SMALLEST)
    worse = np.clip(other - DROPS, SMALLEST, 1 - SMALLEST)
    mixed = (1 - share) * other + share * worse
    mine = np.where(new, worse, other)
    return np.where(good, mine / mixed, (1 - mine) / (1 - mixed))


def of_verdicts(seen: Iterable[Seen]) -> Capital:
    """Of values that are 1 for a good answer and 0 for a bad one."""
    capital = Capital()
    for one in seen:
        capital.add(one.new, one.share, one.value > 0)
    return capital


def of_amounts(seen: Iterable[Seen], tolerance: float = 0.0) -> Capital:
    """Of seconds or cost: good is what is not above the amount that QUANTILE of the answers before it kept to.

    An amount of the new version is first divided by 1 + `tolerance`: that much more is no harm. The first FEWEST
    answers only set the amount. More is worse; give negative values where less is.
    """
    capital, past = Capital(), list[float]()
    for one in seen:
        amount = one.value / (1 + tolerance) if one.new else one.value
        if len(past) >= FEWEST:
            capital.add(one.new, one.share, amount <= past[int(QUANTILE * (len(past) - 1))])
        bisect.insort(past, amount)
    return capital


def line(alpha: float, capitals: int) -> float:
    """What a capital must reach before harm is shown: `alpha` is the chance of one false alarm among all of them."""
    return max(capitals, 1) / alpha
