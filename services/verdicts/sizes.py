"""How many rows would settle a difference, if it stays as it was seen."""

import math

from scipy import special

POWER = 0.8
MOST = 100_000


def for_shares(better: float, worse: float, alpha: float) -> int | None:
    """Rows after which McNemar's test finds these shares of changed rows 8 times out of 10; None when never.

    Connor (1987, Biometrics 43:207), with 1/d for the exact test's steps (Fleiss, Tytun and Ury 1980).
    """
    changed, difference = better + worse, abs(better - worse)
    if not difference:
        return None
    spread = math.sqrt(max(changed - difference**2, 0.0))
    rows = ((_z(alpha) * math.sqrt(changed) + float(special.ndtri(POWER)) * spread) / difference) ** 2
    return _whole(rows + 1 / difference)


def for_means(difference: float, deviation: float, alpha: float) -> int | None:
    """The same for a mean difference with this standard deviation over the rows; z²/2 is added as Student's t needs."""
    if not difference:
        return None
    return _whole(((_z(alpha) + float(special.ndtri(POWER))) * deviation / difference) ** 2 + _z(alpha) ** 2 / 2)


def for_margin(difference: float, deviation: float, margin: float) -> int | None:
    """Rows after which the interval lies above -margin 8 times out of 10; None when the difference is as bad as that."""
    if difference + margin <= 0:
        return None
    return _whole(((_z(0.05) + float(special.ndtri(POWER))) * deviation / (difference + margin)) ** 2)


def for_drop(level: float, drop: float) -> int | None:
    """Answers after which a share that fell by `drop` from a known level is told from it 8 times out of 10.

    One-sided at 5 %, normal approximation (Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions,
    chapter 2). None where the level is too low to fall that far.
    """
    fallen = level - drop
    if fallen <= 0:
        return None
    spread = _z(0.1) * math.sqrt(level * (1 - level)) + float(special.ndtri(POWER)) * math.sqrt(fallen * (1 - fallen))
    return _whole((spread / drop) ** 2)


def about(rows: int) -> int:
    """Rounded up to what is worth saying: 7, 70, 170, 1,700."""
    if rows < 10:
        return max(rows, 1)
    step = 10 ** max(len(str(rows)) - 2, 1)
    return math.ceil(rows / step) * step


def _z(alpha: float) -> float:
    return float(special.ndtri(1 - alpha / 2))


def _whole(rows: float) -> int | None:
    return math.ceil(rows) if rows <= MOST else None
