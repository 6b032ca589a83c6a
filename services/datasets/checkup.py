"""What is wrong with a dataset as a measure: doubles, too few rows, gaps."""

import math
import unicodedata
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from services.datasets.row import Row, inputs_of
from services.messages import Message, language_name

if TYPE_CHECKING:
    from services.scorers import ScorerSpec

LIKE = 0.6
# 24 bands of 4: pairs that share 60 % of their letter runs meet in some band in 96 of 100 cases, 70 % in 99.8.
BANDS, IN_BAND = 24, 4
LIKELY = 0.45
PAIRS_AT_ONCE = 100_000
MOST_COMPARED = 200_000
PRIME = (1 << 31) - 1
FEW = 10
NAMED = 8
LARGEST_BUCKET = 50


@dataclass(frozen=True)
class Double:
    """`row` asks what `kept`, which stands before it, asks already; `share` of their letter runs is the same."""

    kept: Row
    row: Row
    share: float

    @property
    def exact(self) -> bool:
        return self.share == 1.0


class Weight(StrEnum):
    GOOD = "good"
    HINT = "hint"
    GAP = "gap"


@dataclass(frozen=True)
class Hint:
    """One finding in plain words, and what to do about it."""

    weight: Weight
    message: Message
    remedy: Message | None = None


def normal(text: str) -> str:
    """The text without differences of width, capitals and spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def doubles(rows: Sequence[Row]) -> list[Double]:
    """Rows that ask the same as an earlier one, exact ones first; each is named once, with its closest.

    Empty questions are tests of their own kind and no doubles.
    """
    words = [normal("\n".join(one["content"] for one in inputs_of(row)["input"])) for row in rows]
    runs = [_runs(word) for word in words]
    best: dict[int, tuple[float, int]] = {}
    for first, second in _exact(words):
        best[second] = (1.0, first)
    single = [place for place in range(len(rows)) if place not in best and words[place]]
    for one, other in _close([runs[place] for place in single]):
        first, second = single[one], single[other]
        share = min(_jaccard(runs[first], runs[second]), 0.999)
        if share >= LIKE and share > best.get(second, (0.0, 0))[0]:
            best[second] = (share, first)
    found = [Double(rows[first], rows[second], share) for second, (share, first) in best.items()]
    return sorted(found, key=lambda one: -one.share)


def rows_needed(low: float, high: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many questions, each answered by both sides, tell two pass rates apart by McNemar's test.

    Connor (1987), Sample size for testing differences in proportions for the paired-sample design, Biometrics 43,
    207-211, with the discordant share of two sides that pass independently: the cautious case.
    """
    discordant, difference = low * (1 - high) + high * (1 - low), high - low
    z_alpha, z_power = special.ndtri(1 - alpha / 2), special.ndtri(power)
    root = z_alpha * math.sqrt(discordant) + z_power * math.sqrt(discordant - difference**2)
    return math.ceil((root / difference) ** 2)


def smallest_gain(rows: int, low: float = 0.8) -> float | None:
    """The smallest improvement over `low` that so many rows can show, in steps of 0.01; None when there is none."""
    steps = range(1, round((1 - low) * 100) + 1)
    return next((step / 100 for step in steps if rows_needed(low, low + step / 100) <= rows), None)


def hints(rows: Sequence[Row], specs: Iterable["ScorerSpec"] = ()) -> list[Hint]:
    """What a person should know before trusting a number measured on these rows."""
    return [_size(len(rows)), *_critical(rows), *_slices(rows), *_unanswered(rows, specs), *_parts(rows)]


def _size(n: int) -> Hint:
    needed = rows_needed(0.8, 0.9)
    if n >= needed:
        return Hint(Weight.GOOD, Message("{n} rows: enough to tell 0.8 from 0.9 apart.", n=n))
    gain = smallest_gain(n)
    remedy = (
        Message("So many rows show an improvement from 0.8 to about {high}, nothing smaller.", high=f"{0.8 + gain:.2f}")
        if gain
        else Message(
            "With so few rows only very large differences can be seen. Add questions, from traces for example."
        )
    )
    return Hint(
        Weight.GAP,
        Message("{n} {n:row|rows}: too few to tell 0.8 from 0.9 apart; about {m} are needed.", n=n, m=needed),
        remedy,
    )


def _critical(rows: Sequence[Row]) -> Iterator[Hint]:
    if not any(row.critical for row in rows):
        yield Hint(
            Weight.HINT,
            Message("No question is marked as critical."),
            Message("Mark those that must never fail: one that passed before and fails now stops a release."),
        )


def _some(names: Sequence[str]) -> Message | str:
    """The first eight, and how many more there are."""
    first = ", ".join(names[:NAMED])
    return Message("{names} and {n} more", names=first, n=len(names) - NAMED) if len(names) > NAMED else first


def _slices(rows: Sequence[Row]) -> Iterator[Hint]:
    topics, languages = (Counter(getattr(row, name) for row in rows) for name in ("topic", "language"))
    few = sorted(topic for topic, n in topics.items() if topic and n < FEW)
    if few and len(rows) >= FEW:
        yield Hint(
            Weight.HINT,
            Message("Topics with fewer than {n} questions: {names}.", n=FEW, names=_some(few)),
            Message("A result for such a topic alone says little."),
        )
    if topics[""] and len(topics) > 1:
        yield Hint(Weight.HINT, Message("{n} {n:question has|questions have} no topic.", n=topics[""]))
    few = sorted(language_name(one) for one, n in languages.items() if one and n < FEW)
    if few and len(languages) > 1:
        yield Hint(Weight.HINT, Message("Languages with fewer than {n} questions: {names}.", n=FEW, names=_some(few)))


def _unanswered(rows: Sequence[Row], specs: Iterable["ScorerSpec"]) -> Iterator[Hint]:
    from services import scorers

    for spec in specs:
        lacking = sum(not _has(row, scorers.needs(spec).expected) for row in rows)
        if lacking:
            yield Hint(
                Weight.GAP,
                Message(
                    "{n} {n:question lacks|questions lack} what the scorer {name} compares with.",
                    n=lacking,
                    name=spec.name,
                ),
                Message("Fill in the expected answer, facts or guidelines of these rows, or take the scorer away."),
            )


def _has(row: Row, needed: str) -> bool:
    """Whether the row holds what a scorer compares with; a scorer that compares with nothing is content."""
    if not needed:
        return True
    there = {"answer": row.expected, "facts": row.expected_facts, "guidelines": row.guidelines}
    return any(value for name, value in there.items() if name in needed)


def _parts(rows: Sequence[Row]) -> Iterator[Hint]:
    without = sum(not row.split for row in rows)
    if 0 < without < len(rows):
        yield Hint(Weight.HINT, Message("{n} {n:question belongs|questions belong} to no part, others do.", n=without))


def _runs(text: str) -> frozenset[int]:
    """The runs of letters of a text, as numbers: of three letters, or of two where a letter says as much as a word."""
    padded, size = f" {text} ", 2 if any(letter >= "\u2e80" for letter in text) else 3
    return frozenset(
        zlib.crc32(padded[at : at + size].encode()) % PRIME for at in range(max(len(padded) - size + 1, 1))
    )


def _exact(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    first: dict[str, int] = {}
    for place, word in enumerate(words):
        if word and word in first:
            yield first[word], place
        first.setdefault(word, place)


def _close(runs: Sequence[frozenset[int]]) -> Iterator[tuple[int, int]]:
    """Pairs that are probably alike, by MinHash bands (Broder 1997), so that 10,000 rows take seconds."""
    if len(runs) < 2:
        return
    marks = _marks(runs)
    met = [_met(marks[:, band * IN_BAND : (band + 1) * IN_BAND]) for band in range(BANDS)]
    first, second = np.divmod(np.unique(np.concatenate(met)), len(runs))
    parts = [
        (marks[first[at : at + PAIRS_AT_ONCE]] == marks[second[at : at + PAIRS_AT_ONCE]]).mean(axis=1)
        for at in range(0, len(first), PAIRS_AT_ONCE)
    ]
    likeness = np.concatenate([np.empty(0), *parts])
    order = np.argsort(-likeness, kind="stable")[:MOST_COMPARED]
    likely = order[likeness[order] >= LIKELY]
    yield from zip(first[likely].tolist(), second[likely].tolist(), strict=True)


def _marks(runs: Sequence[frozenset[int]]) -> np.ndarray:
    """The MinHash signature of each row: two rows share as many marks as they share runs, on average."""
    flat = np.fromiter((run for one in runs for run in one), np.int64)
    starts = np.cumsum([0, *(len(one) for one in runs[:-1])])
    factors = np.random.default_rng(7).integers(1, PRIME, (BANDS * IN_BAND, 2))
    return np.stack([np.minimum.reduceat((a * flat + b) % PRIME, starts) for a, b in factors], axis=1)


def _met(band: np.ndarray) -> np.ndarray:
    """Pairs of rows with the same marks in this band, as numbers; of a crowd only the first ones are compared."""
    buckets: dict[bytes, list[int]] = defaultdict(list)
    for place, values in enumerate(np.ascontiguousarray(band)):
        buckets[values.tobytes()].append(place)
    pairs = [np.empty(0, np.int64)]
    for bucket in buckets.values():
        if len(bucket) > 1:
            places = np.array(bucket[:LARGEST_BUCKET])
            first, second = np.triu_indices(len(places), 1)
            pairs.append(places[first] * len(band) + places[second])
    return np.concatenate(pairs)


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)
