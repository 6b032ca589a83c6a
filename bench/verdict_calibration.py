"""Whether verdicts are right as often as they say: simulated comparisons of known versions, against the plain tests.

    python -m bench.verdict_calibration [comparisons] [repeat]

For each kind of data and number of rows, two equally good versions are compared (false alarms, at most 5 % and two standard
errors of the simulation) and two that differ (found as often as by the plain paired test, at least 0.95 of it; the interval
at most 1.1 times as wide as the plain one; how many of the intervals hold the true difference). The plain test is McNemar's
exact one with Tango's (1998) interval for pass and fail, else Student's paired t on the mean of each row's repeats.
Where every row moved alike Student's interval has no width, and holds the difference of versions that differ in none of
those comparisons; how many there were is shown, and widths are compared with Tango's interval of as many rows there.
Wilcoxon's, on 300 of them, is shown beside. The difference is chosen so that the plain test finds about four of five. No timing.
"""

import functools
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm, t

from services.verdicts import VerdictSettings
from services.verdicts.judging import judge
from services.verdicts.paired import holm, mcnemar, ranks
from services.verdicts.records import NUMBER, PASS
from services.verdicts.rows import Pairs

ROWS = (10, 30, 100, 300)
SURE, WANTED_POWER, WIDEST = 0.05, 0.95, 1.1
RANKED = 300
SETTINGS = VerdictSettings()
Drawn = tuple[np.ndarray, np.ndarray]
Chance = np.random.Generator


@dataclass(frozen=True)
class Data:
    """A kind of data: `draw(chance, comparisons, rows, effect)` gives both sides, repeats already averaged."""

    title: str
    kind: str
    draw: Callable[[Chance, int, int, float], Drawn]
    repeats: int = 1
    span: float = 1.0


@dataclass(frozen=True)
class Line:
    """What one kind of data with one number of rows came to."""

    false_alarms: float
    plain_alarms: float
    power: float
    plain_power: float
    rank_power: float
    width: float
    coverage: float
    plain_coverage: float
    alike: int
    alike_held: int
    alike_held_plainly: int


def passing(rate: float, spread: float, repeats: int = 1) -> Callable[[Chance, int, int, float], Drawn]:
    """Rows of different difficulty: a row's chance to pass is beta distributed, the repeats are tosses of that coin."""

    def draw(chance: Chance, comparisons: int, rows: int, effect: float) -> Drawn:
        easy = chance.beta(rate * spread, (1 - rate) * spread, (comparisons, rows))
        # The new version loses a fixed share of every row's chance, so that its mean falls by `effect`.
        sides = easy * (1 - effect / rate), easy
        now, before = (chance.binomial(repeats, np.clip(side, 0, 1)) / repeats for side in sides)
        return now, before

    return draw


def shifted(noise: Callable[[Chance, tuple[int, ...]], np.ndarray], repeats: int = 1) -> Callable[..., Drawn]:
    """Numbers with a level of their own for each row, and the repeats around it."""

    def draw(chance: Chance, comparisons: int, rows: int, effect: float) -> Drawn:
        shape = (comparisons, rows, repeats)
        level = chance.normal(0, 1, (comparisons, rows, 1))
        return (level + noise(chance, shape)).mean(axis=2) + effect, (level + noise(chance, shape)).mean(axis=2)

    return draw


def rated(changing: float) -> Callable[..., Drawn]:
    """Ratings from 1 to 5; only a share of the rows can change at all, the others tie."""

    def draw(chance: Chance, comparisons: int, rows: int, effect: float) -> Drawn:
        shape = (comparisons, rows)
        level, open_rows = chance.normal(3.4, 1, shape), chance.random(shape) < changing
        before, other = (level + chance.normal(0, 0.7, shape) for _ in range(2))
        after = np.where(open_rows, other + effect / changing, before)
        return np.clip(np.rint(after), 1, 5), np.clip(np.rint(before), 1, 5)

    return draw


DATA = (
    Data("pass/fail, 80 % pass", PASS, passing(0.8, 3)),
    Data("pass/fail, 95 % pass (skewed)", PASS, passing(0.95, 3)),
    Data("pass/fail, 3 repeats (clustered)", PASS, passing(0.8, 3, 3), 3),
    Data("pass/fail, 95 % pass, 5 repeats", PASS, passing(0.95, 3, 5), 5),
    Data("numbers, normal", NUMBER, shifted(lambda chance, shape: chance.normal(0, 1, shape)), span=10),
    Data(
        "numbers, skewed (lognormal)", NUMBER, shifted(lambda chance, shape: chance.lognormal(0, 0.8, shape)), span=10
    ),
    Data(
        "numbers, skewed, 3 repeats",
        NUMBER,
        shifted(lambda chance, shape: chance.lognormal(0, 0.8, shape), 3),
        3,
        span=10,
    ),
    Data("ratings 1 to 5 (tied)", NUMBER, rated(1.0), span=4),
    Data("ratings, 7 of 10 rows tie", NUMBER, rated(0.3), span=4),
)


def measured(data: Data, rows: int, comparisons: int, seed: int) -> Line:
    """Both worlds: two equal versions, and two that differ."""
    chance = np.random.default_rng([seed, rows, len(data.title), data.repeats])
    effect = _effect(data, rows)
    equal = list(_judged(data, *data.draw(chance, comparisons, rows, 0.0)))
    sides = data.draw(chance, comparisons, rows, effect)
    apart = list(_judged(data, *sides))
    true = _truth(data, effect)
    both = [(one, 0.0) for one in equal] + [(one, true) for one in apart]
    ours, plain = sum(one[3][0] - one[2][0] for one, _ in both), sum(one[4] for one, _ in both)
    held = [[one[2][side] - 1e-12 <= at <= one[3][side] + 1e-12 for one, at in both] for side in (0, 1)]
    held_apart = [side[len(equal) :] for side in held]
    alike = [at for at, one in enumerate(apart) if one[2][1] == one[3][1]]
    by_rank = [ranks((now - before).round(12)) for now, before in zip(*(side[:RANKED] for side in sides), strict=True)]
    found = [[one[0] <= SURE for one in apart], [one[1] <= SURE for one in apart], [one <= SURE for one in by_rank]]
    return Line(
        float(np.mean([one[0] <= SURE for one in equal])),
        float(np.mean([one[1] <= SURE for one in equal])),
        *(float(np.mean(side)) for side in found),
        width=ours / plain,
        coverage=float(np.mean(held[0])),
        plain_coverage=float(np.mean(held[1])),
        alike=len(alike),
        alike_held=sum(held_apart[0][at] for at in alike),
        alike_held_plainly=sum(held_apart[1][at] for at in alike),
    )


Judged = tuple[float, float, tuple[float, float], tuple[float, float], float]


def _judged(data: Data, now: np.ndarray, before: np.ndarray) -> Iterator[Judged]:
    """Our chance and the plain one, both lower and both upper limits, and the width to compare ours with."""
    for one, other in zip(now, before, strict=True):
        if data.kind == PASS and data.repeats == 1:
            both, better, worse = int((one * other).sum()), int((one > other).sum()), int((other > one).sum())
            yield _counted(both, better, worse, len(one) - both - better - worse)
        else:
            yield _valued(data, one, other)


@functools.cache
def _counted(both: int, better: int, worse: int, neither: int) -> Judged:
    now = [1.0] * (both + better) + [0.0] * (worse + neither)
    before = [1.0] * both + [0.0] * better + [1.0] * worse + [0.0] * neither
    found = judge("", Pairs(pd.Series(now), pd.Series(before), PASS, 1.0, 1, 0), SETTINGS)
    low, high = tango(better, worse, len(now))
    exact = mcnemar(better, worse)
    return found.p_value, exact, (found.low or 0.0, low), (found.high or 0.0, high), high - low


def _valued(data: Data, now: np.ndarray, before: np.ndarray) -> Judged:
    pairs = Pairs(pd.Series(now), pd.Series(before), data.kind, data.span, data.repeats, 0)
    found = judge("", pairs, SETTINGS)
    differences = (now - before).round(12)
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(len(now))
    half = float(t.ppf(0.975, len(now) - 1)) * error
    plain = float(2 * t.sf(abs(mean) / error, len(now) - 1)) if error else 1.0
    width = 2 * half
    if not width:
        low, high = tango(0, 0, len(now))
        width = (high - low) * data.span
    return found.p_value, plain, (found.low or 0.0, mean - half), (found.high or 0.0, mean + half), width


def tango(better: int, worse: int, rows: int) -> tuple[float, float]:
    """Tango's score interval of (better - worse) / rows (1998, Stat. Med. 17:891)."""
    seen = (better - worse) / rows

    def score(true: float, wanted: float) -> float:
        b = -better - worse + (2 * rows - better + worse) * true
        share = (math.sqrt(max(b**2 + 8 * rows * worse * true * (1 - true), 0.0)) - b) / (4 * rows)
        spread = math.sqrt(max(rows * (2 * share + true * (1 - true)), 1e-12))
        return (better - worse - rows * true) / spread - wanted

    z, edge = float(norm.ppf(0.975)), 1 - 1e-9
    low = brentq(score, -edge, seen, args=(z,)) if seen > -edge and score(-edge, z) > 0 else -1.0
    high = brentq(score, seen, edge, args=(-z,)) if seen < edge and score(edge, -z) < 0 else 1.0
    return float(low), float(high)


def _effect(data: Data, rows: int) -> float:
    """What the plain test finds about four times out of five."""
    now, before = data.draw(np.random.default_rng(5), 400, 300, 0.0)
    wanted = 2.8 * float((now - before).std()) / math.sqrt(rows) * (1.15 if rows < 30 else 1.0)
    return min(wanted, 0.7) if data.kind == PASS else wanted


def _truth(data: Data, effect: float) -> float:
    """The true difference: ratings cut at the ends of their scale move less than what moved them."""
    if data.kind == PASS:
        return -effect
    now, before = data.draw(np.random.default_rng(6), 4000, 500, effect)
    return effect if data.span == 10 else float((now - before).mean())


def family(rows: int, comparisons: int, seed: int, scorers: int = 5) -> float:
    """How often at least one of five scorers is called changed between two equal versions, corrected as verdicts are."""
    chance, draw = np.random.default_rng([seed, rows]), passing(0.8, 3, 3)
    sides = [draw(chance, comparisons, rows, 0.0) for _ in range(scorers)]
    alarms = 0
    for number in range(comparisons):
        each = [Pairs(pd.Series(now[number]), pd.Series(before[number]), PASS, 1.0, 3, 0) for now, before in sides]
        alarms += min(holm([judge("", one, SETTINGS).p_value for one in each])) <= SURE
    return alarms / comparisons


def main(comparisons: int, seed: int) -> None:
    allowed = SURE + 2 * math.sqrt(SURE * (1 - SURE) / comparisons)
    print(f"{comparisons:,} comparisons each; false alarms at most {allowed:.4f}\n")
    print(
        "| Data | Rows | False alarms | plain | Power | plain | ratio | Wilcoxon | Width ratio | Coverage | plain | Alike: held, plain, of | |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for data in DATA:
        for rows in ROWS:
            told(data.title, rows, measured(data, rows, comparisons, seed), allowed)
    for rows in ROWS:
        share = family(rows, comparisons, seed)
        print(f"| any of 5 scorers, clustered | {rows} | {share:.4f} | | | | | | | | | | {mark(share <= allowed)} |")


def told(title: str, rows: int, found: Line, allowed: float) -> None:
    ratio = found.power / found.plain_power if found.plain_power else 1.0
    holds = found.false_alarms <= allowed and ratio >= WANTED_POWER and found.width <= WIDEST
    cells = [f"{found.false_alarms:.4f}", f"{found.plain_alarms:.4f}", f"{found.power:.3f}", f"{found.plain_power:.3f}"]
    cells += [f"{ratio:.3f}", f"{found.rank_power:.3f}", f"{found.width:.3f}"]
    cells += [f"{found.coverage:.3f}", f"{found.plain_coverage:.3f}"]
    cells += [f"{found.alike_held}, {found.alike_held_plainly}, {found.alike}" if found.alike else "", mark(holds)]
    print(f"| {title} | {rows} | " + " | ".join(cells) + " |", flush=True)


def mark(holds: bool) -> str:
    return "holds" if holds else "misses"


if __name__ == "__main__":
    main(*(int(one) for one in (sys.argv[1:] + ["2000", "1"][len(sys.argv) - 1 :])))
