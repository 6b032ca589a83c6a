"""Intervals of a paired difference: 95 of 100 of them hold the true difference."""

import math
from typing import Any

import numpy as np
from scipy import special

CONFIDENCE = 0.95
Z = float(special.ndtri((1 + CONFIDENCE) / 2))


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


def means(differences: "np.ndarray[Any, Any]", span: float) -> tuple[float, float]:
    """The interval of a mean difference (Student 1908), of numbers or of shares of repeats; `span` is their scale's width.

    When no row differs from another, it is what so few rows cannot rule out: that 1 - 0.025^(1/n) of all rows (Clopper and
    Pearson 1934) move to the end of the scale, from `mean` as far as -span or span.
    """
    n = len(differences)
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1)) if n > 1 else 0.0
    if deviation:
        half = float(special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * deviation / math.sqrt(n)
        return mean - half, mean + half
    others = 1 - ((1 - CONFIDENCE) / 2) ** (1 / n)
    return mean - others * (span + mean), mean + others * (span - mean)


def in_step(low: float, high: float, difference: float, p_value: float) -> tuple[float, float]:
    """The interval holds 0 exactly when the test cannot tell, so that a picture never says more than the word."""
    if p_value > 1 - CONFIDENCE:
        return min(low, 0.0), max(high, 0.0)
    return (max(low, 0.0), high) if difference > 0 else (low, min(high, 0.0))
