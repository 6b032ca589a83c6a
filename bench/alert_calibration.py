"""How often an alert on a change fires for nothing, and how soon a real change is found: whole series, every look.

    python -m bench.alert_calibration [--series 2000] [--weeks 1]

Each quiet series is looked at as the console does, by the same function, over windows that overlap. The stated rate is
one false alarm in a week, month or quarter; beside it, what chance allows so many series at that rate (exact Poisson
limit). Volume also comes in bursts, with days that differ and with a daily rhythm: quiet, and not what textbooks call so.
What people ask is drawn from one set of questions and answers, in two languages, with words that are rare and frequent.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

import numpy as np
from scipy import stats

from bench import trace_maker
from services.alerts import drifting as drifting_rules
from services.alerts import looking, previewing
from services.alerts.drifting import LOOKS, Sampled
from services.alerts.rules import SAMPLE_OF_DRIFT, Baseline, Rule, Series, Way
from services.monitoring import drifting
from services.monitoring.drifting import Traits
from services.readmodel import Slots, sketch

DAY, WEEK = 96, 672


@dataclass(frozen=True)
class Kind:
    """One quiet series: questions in a quarter hour on average, and how they come."""

    name: str
    series: Series
    busy: float
    rate: float = 0.9
    bursts: bool = False
    rhythm: bool = False


KINDS = (
    Kind("pass rate 90 %", Series.PASSED, 20),
    Kind("pass rate 99 %", Series.PASSED, 20, rate=0.99),
    Kind("errors 1 %", Series.ERRORS, 50, rate=0.01),
    Kind("95 of 100 within", Series.LATENCY, 20),
    Kind("volume", Series.VOLUME, 20),
    Kind("volume, rare", Series.VOLUME, 1),
    Kind("volume, bursts", Series.VOLUME, 20, bursts=True),
    Kind("volume, days", Series.VOLUME, 20, rhythm=True),
    Kind("cost, days", Series.COST, 20, rhythm=True),
)
SCORER = "short"
POOL = 4_000
SYLLABLES = [first + second for first in "bdfgklmnprst" for second in "aeio"]


def quiet(kind: Kind, weeks: int, chance: np.random.Generator, factor: float = 1.0, worse: float = 0.0) -> Slots:
    """A week to compare with and `weeks` more; in the last day there is `factor` times as much, and `worse` quality."""
    slots = (weeks + 1) * WEEK
    level = np.full(slots, float(kind.busy))
    if kind.rhythm:
        level = level * (1.1 + np.sin(np.arange(slots) * 2 * np.pi / DAY))
    if kind.bursts:
        level = level * chance.gamma(4, 1 / 4, slots) * np.repeat(chance.gamma(25, 1 / 25, slots // DAY), DAY)
    level[-DAY:] *= factor
    count = chance.poisson(level)
    rate = np.full(slots, kind.rate)
    rate[-DAY:] -= worse
    hit = chance.binomial(count, np.clip(rate, 0, 1))
    none, slow = np.zeros(slots, dtype=np.int64), np.zeros((0, sketch.BINS))
    if kind.series is Series.LATENCY:
        slow = _times(count, chance, worse)
    cost = chance.gamma(np.maximum(count, 1e-9) * 0.5, 2.0) * (count > 0)
    errors = hit if kind.series is Series.ERRORS else none
    return Slots(0, count, errors, none, cost, count, count, count, hit, none, none, slow)


def _times(count: np.ndarray, chance: np.random.Generator, worse: float) -> np.ndarray:
    """Log-normal seconds in the sketch's bins."""
    where = np.repeat(np.arange(len(count)), count)
    millis = chance.lognormal(7.5, 0.55, len(where)) * np.where(where >= len(count) - DAY, 1 + worse, 1)
    bins = np.minimum(np.ceil(np.log(millis) / sketch.LOG) - 1, sketch.BINS - 1).astype(int)
    return np.bincount(where * sketch.BINS + bins, minlength=len(count) * sketch.BINS).reshape(-1, sketch.BINS)


def alarms(held: Slots, rule: Rule, since: int = WEEK) -> int:
    """How often people would have been told, from `since` on."""
    ends = np.arange(-(-since // rule.step) * rule.step, len(held.count) + 1, rule.step)
    return len(previewing.episodes(rule, looking.judged(held, rule, ends[ends - rule.slots >= since])))


def rules(kind: Kind) -> Iterator[Rule]:
    """Every change, without a least that matters: what is measured is chance alone."""
    for baseline in Baseline:
        for minutes in (60, 360):
            yield Rule("r", "r", kind.series, Way.CHANGES, SCORER, minutes, baseline=baseline, once_in="week", least=1)


def false_alarms(series: int, weeks: int, kinds: tuple[Kind, ...] = KINDS) -> int:
    """Print them; returns how many lines are above what chance allows."""
    limit, wrong = stats.poisson.ppf(0.999, series * weeks) / (series * weeks), 0
    print(f"{series} series of {weeks} weeks; stated 1 in a week, with the luck of the draw at most {limit:.3f}")
    for kind in kinds:
        chance, found = np.random.default_rng(7), dict.fromkeys(rules(kind), 0)
        for _ in range(series):
            held = quiet(kind, weeks, chance)
            for rule in found:
                found[rule] += alarms(held, rule)
        for rule, many in found.items():
            rate = many / (series * weeks)
            wrong += rate > limit
            told = f"{kind.name:17} {rule.minutes // 60} h, {rule.baseline.value:10}"
            print(f"{told} false alarms in a week {rate:.3f}", flush=True)
    return wrong


def questions(many: int, chance: np.random.Generator) -> Traits:
    """Questions and answers of the same people: two languages, a subject of a few hundred, the first far more frequent."""
    random = Random(int(chance.integers(1 << 30)))
    subjects = np.minimum(chance.zipf(1.5, many), 400)
    asked = (
        trace_maker.said(random, random.random() < 0.6, f"{SYLLABLES[one % 40]}{SYLLABLES[one // 40]} ")
        for one in subjects
    )
    return drifting.traits([(question, question[::-1]) for question in asked])


def drawn(of: Traits, chance: np.random.Generator, other: Traits | None = None, since: int = 0) -> Sampled:
    """What a series samples from, stretch by stretch; from `since` on, of `other` questions."""

    @cache
    def sampled(end: int) -> Traits:
        source = other if other is not None and end > since else of
        rows = chance.integers(len(source), size=SAMPLE_OF_DRIFT // LOOKS)
        return Traits(source.lengths[rows], source.holds[rows], tuple(source.words[row] for row in rows))

    return sampled


def drifts(sampled: Sampled, rule: Rule, first: int, last: int) -> int:
    """How often people would have been told of a drift by the looks from `first` to `last`."""
    ends = list(range(-(-first // rule.step) * rule.step, last + 1, rule.step))
    return len(previewing.episodes(rule, drifting_rules.judged(sampled, rule, ends)))


def false_drifts(series: int, weeks: int) -> int:
    """The same as `false_alarms`, of what people ask."""
    limit, wrong = stats.poisson.ppf(0.999, series * weeks) / (series * weeks), 0
    chance = np.random.default_rng(11)
    pool = questions(POOL, chance)
    print(f"{series} series of {weeks} weeks; stated 1 in a week, with the luck of the draw at most {limit:.3f}")
    for baseline in Baseline:
        rule = Rule("r", "r", Series.DRIFT, Way.CHANGES, minutes=360, baseline=baseline, once_in="week", least=1)
        many = sum(drifts(drawn(pool, chance), rule, 2 * WEEK, (2 + weeks) * WEEK - 1) for _ in range(series))
        wrong += many / (series * weeks) > limit
        print(
            f"{'what people ask':17} 6 h, {baseline.value:10} false alarms in a week {many / (series * weeks):.3f}",
            flush=True,
        )
    return wrong


def found_within(series: int) -> None:
    """Of real changes on the last day, how many are told within that day, at one false alarm in a month."""
    for name, kind, factor, worse in (
        ("pass rate 90 % to 80 %", KINDS[0], 1.0, 0.1),
        ("errors 1 % to 5 %", KINDS[2], 1.0, -0.04),
        ("a third slower", KINDS[3], 1.0, 0.33),
        ("half the questions", KINDS[4], 0.5, 0.0),
        ("twice the questions, bursts", KINDS[6], 2.0, 0.0),
    ):
        for baseline in Baseline:
            chance, hits = np.random.default_rng(3), 0
            rule = Rule("r", "r", kind.series, Way.CHANGES, SCORER, 360, baseline=baseline, least=1)
            for _ in range(series):
                hits += alarms(quiet(kind, 1, chance, factor, worse), rule, 2 * WEEK - DAY - rule.slots) > 0
            print(f"{name:28} against {baseline.value:10}: told on the day {hits / series:.2f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--weeks", type=int, default=1)
    parser.add_argument("--drift", choices=("too", "only"), default="too", help="what people ask: the slowest")
    asked = parser.parse_args()
    wrong = false_alarms(asked.series, asked.weeks) if asked.drift != "only" else 0
    wrong += false_drifts(max(asked.series // 10, 20), asked.weeks)
    if asked.drift != "only":
        found_within(max(asked.series // 10, 20))
    print("more often than stated" if wrong else "never more often than stated")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
