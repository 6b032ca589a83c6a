"""How likely chance alone makes such a difference: exact or cautious, many looks at once."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

Numbers = npt.NDArray[Any]
# The square root of a Poisson count varies by a quarter, whatever its mean (Anscombe 1948, Biometrika 35:246).
LEAST_VARIANCE = 0.25


def shares(hit: Numbers, n: Numbers, hit_before: Numbers, n_before: Numbers) -> tuple[Numbers, Numbers]:
    """For each look, how likely a share this low and this high is when nothing changed: Fisher's exact test, one-sided.

    Fisher 1934, Statistical Methods for Research Workers, §21.02. It never errs more often than it says, whatever the
    true share is.
    """
    # It takes half a second and much memory, which the console does without until a rule or a chart asks.
    from scipy.stats import hypergeom

    all_hit, everything = hit + hit_before, n + n_before
    drawn = (everything, all_hit, n)
    low = hypergeom.cdf(hit, *drawn)
    high = hypergeom.sf(hit - 1, *drawn)
    empty = (n == 0) | (n_before == 0)
    return np.where(empty, 1.0, low), np.where(empty, 1.0, high)


def totals(now: Numbers, usual: Numbers) -> tuple[Numbers, Numbers]:
    """For each look, how likely a total this low and this high is beside those of `usual`'s equal stretches (columns).

    The greater of two p-values, so that traffic may come evenly or in bursts: the conditional test of two Poisson
    counts (Przyborowski and Wilenski 1940, Biometrika 31:313), and Student's prediction of one more square root.
    """
    exact = _poisson(now, usual.sum(axis=1), 1 / (1 + usual.shape[1]))
    return _greater(exact, _predicted(_root(now), _root(usual), LEAST_VARIANCE))


def steps(now: Numbers, before: Numbers, usual: Numbers, usual_before: Numbers) -> tuple[Numbers, Numbers]:
    """The same for the step from the time before to now, beside the steps of other days at these hours.

    So the morning, when more is asked than in the night, is no news.
    """
    exact = _poisson(now, before, 1 / 2)
    step, others = _root(now) - _root(before), _root(usual) - _root(usual_before)
    return _greater(exact, _predicted(step, others, 2 * LEAST_VARIANCE))


def slower(now: Numbers, before: Numbers, share: float) -> tuple[Numbers, ...]:
    """Counts above the pooled quantile: hit, n, hit before, n before (Westenberg 1948, Proc. K. Ned. Akad. 51:252).

    Rows are looks, columns the bins of a latency sketch. Which answers are slow is told by both times together, so that
    Fisher's test of the counts stays exact.
    """
    pooled = (now + before).cumsum(axis=1)
    beyond = np.arange(now.shape[1]) > (pooled < share * pooled[:, -1:]).sum(axis=1, keepdims=True)
    return (now * beyond).sum(axis=1), now.sum(axis=1), (before * beyond).sum(axis=1), before.sum(axis=1)


def _poisson(now: Numbers, before: Numbers, part: float) -> tuple[Numbers, Numbers]:
    counted = np.floor(now)
    total = (counted + np.floor(before)).astype(np.int64)
    return special.bdtr(counted, total, part), np.where(counted > 0, special.bdtrc(counted - 1, total, part), 1.0)


def _predicted(one: Numbers, others: Numbers, least: float) -> tuple[Numbers, Numbers]:
    """Student 1908, for one more value of a sample whose variance is at least what chance alone makes it."""
    many = others.shape[1]
    deviation = np.sqrt(np.maximum(others.var(axis=1, ddof=1), least) * (1 + 1 / many))
    t = (one - others.mean(axis=1)) / deviation
    return special.stdtr(many - 1, t), special.stdtr(many - 1, -t)


def _root(counts: Numbers) -> Numbers:
    return np.sqrt(counts + 3 / 8)


def _greater(one: tuple[Numbers, Numbers], other: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    return np.maximum(one[0], other[0]), np.maximum(one[1], other[1])
