"""Paired tests: the chance of a difference at least this large between two versions that are equally good."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest, norm, wilcoxon

ENUMERATED, DRAWN = 16, 400
DRAWS = 9_999


def mcnemar(better: int, worse: int) -> float:
    """McNemar's exact test (Edwards 1948): of the changed rows, each may as well have changed the other way."""
    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def sign_flips(differences: "np.ndarray[Any, Any]") -> float:
    """Fisher's (1935) randomisation test of the mean: between equals, every row's difference may as well be turned round.

    Exact for any distribution, ties and zeros included: a zero is the same either way. Up to 16 changed rows all turns
    are counted, up to 400 as many as 9,999 are drawn and the observed one is added (Phipson and Smyth 2010), beyond that
    its normal limit serves. Repeats inside a row are averaged before, so that the row is the unit.
    """
    changed = differences[differences != 0]
    n = len(changed)
    if not n:
        return 1.0
    seen, size = abs(changed.sum()), np.abs(changed).sum()
    if n > DRAWN:
        return float(2 * norm.sf(seen / math.sqrt((changed**2).sum())))
    sums = np.abs(_turns(n) @ changed)
    reached = int((sums >= seen - 1e-9 * size).sum())
    return reached / len(sums) if n <= ENUMERATED else (reached + 1) / (len(sums) + 1)


def ranks(differences: "np.ndarray[Any, Any]") -> float:
    """Wilcoxon's (1945) signed-rank test; rows without a difference are left out and ties share their mean rank.

    Exact up to 50 rows without ties, by all turns up to 13 with them, else its normal limit corrected for ties.
    """
    changed = differences[differences != 0]
    return float(wilcoxon(changed, zero_method="wilcox", method="auto").pvalue) if len(changed) else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value as if it were the only one asked, though all of them were (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, least = [0.0] * len(p_values), 0.0
    for position, place in enumerate(order):
        least = max(least, min(p_values[place] * (len(p_values) - position), 1.0))
        adjusted[place] = least
    return adjusted


@functools.lru_cache(maxsize=64)
def _turns(n: int) -> "np.ndarray[Any, Any]":
    """All ways to turn n differences round but for turning all, or a fixed draw, so that the same rows get the same answer."""
    if n <= ENUMERATED:
        bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
        return (1 - 2 * bits).astype(np.float64)
    return np.random.default_rng(n).choice(np.array([1.0, -1.0], dtype=np.float32), size=(DRAWS, n))
