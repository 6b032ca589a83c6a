"""Intervals of a paired difference: 95 of 100 of them hold the true difference."""

import math
from typing import Any

import numpy as np
from scipy.stats import norm, t

CONFIDENCE = 0.95
Z = float(norm.ppf((1 + CONFIDENCE) / 2))


def wilson(passed: float, n: int) -> tuple[float, float]:
    """The score interval of one proportion (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    middle = (passed + Z**2 / 2) / (n + Z**2)
    half = Z / (n + Z**2) * math.sqrt(passed * (n - passed) / n + Z**2 / 4)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def paired_shares(both: int, better: int, worse: int, neither: int) -> tuple[float, float]:
    """The interval of (better - worse) / n for pass and fail (Newcombe 1998, Stat. Med. 17:2635, method 10).

    The two Wilson intervals are squared and added, with the pairs' correlation; it never leaves -1 to 1.
    """
    n = both + better + worse + neither
    now, before = both + better, both + worse
    difference, phi = (better - worse) / n, _phi(both, better, worse, neither)
    now_low, now_high = wilson(now, n)
    before_low, before_high = wilson(before, n)
    down = _joined(now / n - now_low, before_high - before / n, phi)
    up = _joined(now_high - now / n, before / n - before_low, phi)
    return max(difference - down, -1.0), min(difference + up, 1.0)


def _phi(both: int, better: int, worse: int, neither: int) -> float:
    """The correlation of the pairs, corrected for continuity when it is positive; 0 when a margin is empty."""
    margins = (both + better) * (worse + neither) * (both + worse) * (better + neither)
    if not margins:
        return 0.0
    product = both * neither - better * worse
    n = both + better + worse + neither
    corrected = max(product - n / 2, 0.0) if product > 0 else product
    return corrected / math.sqrt(margins)


def _joined(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))


def clustered_shares(differences: "np.ndarray[Any, Any]") -> tuple[float, float]:
    """The interval of the mean of differences of pass shares, -1 to 1, one per row asked several times.

    Rows are the unit, whatever the repeats do inside one. As Agresti and Min (2005, Stat. Med. 24:729) add half a pair
    to each cell of a pass/fail table, half a row of +1, half of -1 and one of no change are added; without repeats this
    is their interval. Student's t stands for the normal quantile, as for means.
    """
    n = len(differences)
    mean = differences.sum() / (n + 2)
    variance = ((differences**2).sum() + 1) / (n + 2) - mean**2
    half = t.ppf((1 + CONFIDENCE) / 2, n + 1) * math.sqrt(variance / (n + 2))
    return max(float(mean - half), -1.0), min(float(mean + half), 1.0)


def means(differences: "np.ndarray[Any, Any]", span: float) -> tuple[float, float]:
    """The interval of a mean difference of numbers (Student 1908); `span` is the width of their scale.

    When no row differs at all, it is what so few rows cannot rule out: a share of 1 - 0.025^(1/n) of the rows moving
    across the whole scale (Clopper and Pearson 1934).
    """
    n = len(differences)
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1)) if n > 1 else 0.0
    if n < 2 or not deviation:
        half = (1 - ((1 - CONFIDENCE) / 2) ** (1 / n)) * span
    else:
        half = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation / math.sqrt(n)
    return mean - half, mean + half


def in_step(low: float, high: float, difference: float, p_value: float) -> tuple[float, float]:
    """The interval holds 0 exactly when the test cannot tell, so that a picture never says more than the word."""
    if p_value > 1 - CONFIDENCE:
        return min(low, 0.0), max(high, 0.0)
    return (max(low, 0.0), high) if difference > 0 else (low, min(high, 0.0))
