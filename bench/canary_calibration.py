"""How often a canary would be rolled back for nothing, and how soon a real drop is found: looked at after every answer.

    python -m bench.canary_calibration [--streams 2000] [--answers 4000]

False alarms are counted over whole streams, also with a quality that drifts through the day, and at shares of 5, 25
and 50 %. The stated rate is 5 %; beside it, the exact binomial upper limit of what 2,000 streams may show by chance.
"""

import argparse

import numpy as np
from scipy import stats

from services.verdicts import betting, sequential
from services.verdicts.betting import Told
from services.verdicts.sequential import Seen

ALPHA, TOLERANCE = 0.05, 0.2
LINE = sequential.line(ALPHA, 1)
SHARES = (0.05, 0.25, 0.5)


def stopped_at(quality: np.ndarray, drop: float, share: float, streams: int) -> np.ndarray:
    """For each stream the answer after which harm was shown; infinite when it never was."""
    chance, stopped = np.random.default_rng(7), np.full((streams, 1), np.inf)
    logs, good_ones = np.zeros((streams, len(sequential.DROPS))), np.zeros((streams, 1))
    for n, level in enumerate(quality):
        new = chance.random((streams, 1)) < share
        good = chance.random((streams, 1)) < level - drop * new
        logs += np.log(sequential.factors((good_ones + 1) / (n + 2), share, new, good))
        good_ones += good
        reached = np.exp(logs).mean(axis=1, keepdims=True) >= LINE
        stopped = np.where(reached & np.isinf(stopped), n + 1, stopped)
    return stopped


def slower(streams: int, answers: int, factor: float, share: float) -> float:
    """The share of streams in which seconds that are `factor` times as long were found."""
    chance, found = np.random.default_rng(3), 0
    for _ in range(streams):
        new = chance.random(answers) < share
        seconds = chance.lognormal(0.5, 0.6, answers) * np.where(new, factor, 1.0)
        seen = [Seen(bool(one), share, float(value)) for one, value in zip(new, seconds, strict=True)]
        found += sequential.of_amounts(seen, TOLERANCE).peak >= LINE
    return found / streams


def compared(streams: int, answers: int, drop: float, split: bool) -> tuple[float, float, float]:
    """How often an A/B test, or a shadow of half as many questions, says better and worse, and holds the true change."""
    chance, told = np.random.default_rng(1), []
    for _ in range(streams):
        if split:
            new = chance.random(answers) < 0.5
            good = chance.random(answers) < 0.9 - drop * new
            rounds = [[_told(one, fine)] for one, fine in zip(new, good, strict=True)]
            told.append(betting.of_split(rounds, 0.5, LINE))
        else:
            old, good = (chance.random(answers // 2) < level for level in (0.9, 0.9 - drop))
            both = [[_told(False, one), _told(True, fine)] for one, fine in zip(old, good, strict=True)]
            told.append(betting.of_pairs(both, LINE))
    better, worse = (sum(side) / streams for side in ([one.low > 0 for one in told], [one.high < 0 for one in told]))
    return better, worse, sum(one.low <= -drop <= one.high for one in told) / streams


def _told(new: bool, good: bool) -> Told:
    return Told(bool(new), bool(good), bool(good))


def words(streams: int) -> int:
    """Print how the words of A/B tests and shadows come; returns how many lines are above what chance allows."""
    limit, wrong = stats.binom.ppf(0.999, streams, ALPHA) / streams, 0
    for split, name in ((True, "A/B test of 1,000 answers"), (False, "shadow of 500 questions  ")):
        for drop in (0.0, 0.05, 0.1):
            better, worse, held = compared(streams, 1000, drop, split)
            wrong += better > limit or (not drop and worse > limit)
            print(
                f"{name}, drop {drop * 100:2.0f} points: better {better:.3f} worse {worse:.3f} holds {held:.3f}",
                flush=True,
            )
    return wrong


def the_same_as_the_console(streams: int = 20, answers: int = 300) -> bool:
    """Whether the columns above come to what the console computes, answer by answer."""
    chance = np.random.default_rng(5)
    for _ in range(streams):
        new, good = chance.random(answers) < 0.25, chance.random(answers) < 0.8
        capital, logs = sequential.Capital(), np.zeros(len(sequential.DROPS))
        for n in range(answers):
            logs += np.log(sequential.factors((good[:n].sum() + 1) / (n + 2), 0.25, new[n], good[n]))
            capital.add(bool(new[n]), 0.25, bool(good[n]))
            if not np.isclose(capital.now, np.exp(logs).mean()):
                return False
    return True


def false_alarms(streams: int, answers: int) -> int:
    """Print them; returns how many lines are above what chance allows."""
    limit, wrong = stats.binom.ppf(0.999, streams, ALPHA) / streams, 0
    print(f"{streams} streams of {answers} answers; stated {ALPHA:.3f}, with the luck of the draw at most {limit:.4f}")
    day = 0.8 + 0.15 * np.sin(np.arange(answers) / 150)
    for name, quality in (
        ("90 % good", np.full(answers, 0.9)),
        ("drifting", day),
        ("99 % good", np.full(answers, 0.99)),
    ):
        for share in SHARES:
            rate = np.isfinite(stopped_at(quality, 0.0, share, streams)).mean()
            wrong += rate > limit
            print(f"no drop, {name:9} share {share:4.0%}: false alarms {rate:.4f}", flush=True)
    return wrong


def detections(streams: int, answers: int) -> None:
    for drop in (0.05, 0.1):
        for share in SHARES:
            middle = float(np.median(stopped_at(np.full(answers, 0.9), drop, share, streams)))
            said = (
                f"{middle:.0f} answers, {middle * share:.0f} of them new" if np.isfinite(middle) else "the stream's end"
            )
            print(f"drop of {drop * 100:.0f} points, share {share:4.0%}: median detection after {said}", flush=True)


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--streams", type=int, default=2000)
    given.add_argument("--answers", type=int, default=4000)
    asked = given.parse_args()
    if not the_same_as_the_console():
        print("the simulation does not compute what the console computes")
        return 1
    wrong = false_alarms(asked.streams, asked.answers)
    few = max(asked.streams // 10, 20)
    kept, found = (slower(few, 600, factor, 0.25) for factor in (1 + TOLERANCE, 2.0))
    print(f"seconds at the tolerance, share 25%: false alarms {kept:.3f} of {few}; twice as long: found {found:.3f}")
    wrong += words(2 * few)
    detections(few, asked.answers * 5)
    return int(wrong or kept > stats.binom.ppf(0.999, few, ALPHA) / few)


if __name__ == "__main__":
    raise SystemExit(main())
