"""Paired tests: the chance of a difference at least this large between two versions that are equally good."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

ENUMERATED, DRAWN = 16, 200
DRAWS = 9_999


def mcnemar(better: int, worse: int) -> float:
    """McNemar's exact test (Edwards 1948): of the changed rows, each may as well have changed the other way."""
    return min(2 * float(special.bdtr(min(better, worse), better + worse, 0.5)), 1.0)


def student(differences: "np.ndarray[Any, Any]") -> float:
    """Student's (1908) paired t-test of the mean; when all rows moved by the same amount, the randomisation test.

    Repeats inside a row are averaged before, so that the row is the unit. Between equally good versions a difference may as
    well be turned round, so differences are symmetric and the test keeps its level also with skewed, tied and clustered
    values; `bench/verdict_calibration.py` shows it, and that randomisation has less power on few or tied rows.
    """
    n = len(differences)
    deviation = float(differences.std(ddof=1)) if n > 1 else 0.0
    if not deviation:
        return sign_flips(differences)
    return float(2 * special.stdtr(n - 1, -abs(differences.mean()) * math.sqrt(n) / deviation))


def sign_flips(differences: "np.ndarray[Any, Any]") -> float:
    """Fisher's (1935) randomisation test of the mean: between equals, every row's difference may as well be turned round.

    Exact for any distribution, ties and zeros included: a zero is the same either way. Up to 16 changed rows all turns
    are counted, up to 200 as many as 9,999 are drawn and the observed one is added (Phipson and Smyth 2010), beyond that
    its normal limit serves.
    """
    changed = differences[differences != 0]
    n = len(changed)
    if not n:
        return 1.0
    seen, size = abs(changed.sum()), np.abs(changed).sum()
    if n > DRAWN:
        return float(2 * special.ndtr(-seen / math.sqrt((changed**2).sum())))
    sums = np.abs(_turns(n) @ changed)
    reached = int((sums >= seen - 1e-9 * size).sum())
    return reached / len(sums) if n <= ENUMERATED else (reached + 1) / (len(sums) + 1)


def ranks(differences: "np.ndarray[Any, Any]") -> float:
    """Wilcoxon's (1945) signed-rank test; rows without a difference are left out and ties share their mean rank.

    It is the randomisation test of the signed ranks, so that ties cost it nothing of its exactness.
    """
    changed = differences[differences != 0]
    return sign_flips(np.sign(changed) * pd.Series(np.abs(changed)).rank().to_numpy())


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value as if it were the only one asked, though all of them were (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, least = [0.0] * len(p_values), 0.0
    for position, place in enumerate(order):
        least = max(least, min(p_values[place] * (len(p_values) - position), 1.0))
        adjusted[place] = least
    return adjusted


@functools.lru_cache(maxsize=4)
def _turns(n: int) -> "np.ndarray[Any, Any]":
    """All ways to turn n differences round but for turning all, or a fixed draw, so that the same rows get the same answer."""
    if n <= ENUMERATED:
        bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
        return (1 - 2 * bits).astype(np.float64)
    drawn = np.frombuffer(np.random.default_rng(n).bytes(DRAWS * -(-n // 8)), dtype=np.uint8).reshape(DRAWS, -1)
    return 1 - 2 * np.unpackbits(drawn, axis=1)[:, :n].astype(np.float64)
