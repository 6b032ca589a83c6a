"""What people ask and what they are answered, beside the time before: cheap features of a sample of both."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from services import readmodel
from services.messages import mark
from services.monitoring.overview import Overview
from services.prompts.segments import KANA, KANJI, KATAKANA, segments
from services.readmodel import Stretch
from services.verdicts.paired import holm

if TYPE_CHECKING:
    from services.workspace import Workspace

SAMPLE, FEWEST = 1000, 30
ALPHA = 0.05
# With so many traces, chance alone is soon ruled out: less than this is nothing that a person would act on.
LEAST, LEAST_OF_A_WORD = 0.05, 0.02
MOST_WORDS = 5

# Kanji alone may be Chinese.
JAPANESE = re.compile(f"[{KANA}{KATAKANA}]")
NUMBER = re.compile(r"\d")
LINK = re.compile(r"https?://")
# What may name a subject: letters of any script, but no run of kana alone, which is mostly grammar.
NAMING = re.compile(rf"[^\W\d_{KANJI}{KATAKANA}{KANA}]{{3,}}|.*[{KANJI}].*|[{KATAKANA}]{{2,}}")

Said = tuple[str, str]

LENGTHS: dict[str, Callable[[Said], int]] = {
    mark("Characters of a question"): lambda said: len(said[0]),
    mark("Characters of an answer"): lambda said: len(said[1]),
}
SHARES: dict[str, Callable[[Said], bool]] = {
    mark("Questions in Japanese"): lambda said: _japanese(said[0]),
    mark("Questions with a number"): lambda said: bool(NUMBER.search(said[0])),
    mark("Answers in Japanese"): lambda said: _japanese(said[1]),
    mark("Only one of question and answer in Japanese"): lambda said: _japanese(said[0]) != _japanese(said[1]),
    mark("Answers with a number"): lambda said: bool(NUMBER.search(said[1])),
    mark("Answers with a link"): lambda said: bool(LINK.search(said[1])),
}


WORDS = mark("Words of the questions")


@dataclass(frozen=True)
class Traits:
    """What is compared of some questions and answers, one row each: lengths, what holds of them, words that name."""

    lengths: npt.NDArray[np.int64]
    holds: npt.NDArray[np.bool_]
    words: tuple[set[str], ...]

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class Feature:
    """A share of one, or the three quartiles of a length. `changed`: by more than chance, and enough to matter.

    `size`: by how much of all answers it moved, of a length the largest distance of the two distributions.
    """

    name: str
    before: tuple[float, ...]
    now: tuple[float, ...]
    changed: bool
    size: float


@dataclass(frozen=True)
class Word:
    """In which share of the questions a word stands."""

    text: str
    before: float
    now: float


@dataclass(frozen=True)
class Drift:
    """`before` and `now` count the sampled answered questions; without enough of both, nothing is compared."""

    before: int
    now: int
    features: tuple[Feature, ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def enough(self) -> bool:
        return min(self.before, self.now) >= FEWEST

    @property
    def noticed(self) -> float:
        """The change of a share around a half that would be found in 8 of 10 cases (normal approximation)."""
        chance, power = -special.ndtri(ALPHA / 2 / (len(LENGTHS) + len(SHARES))), special.ndtri(0.8)
        return max(float(chance + power) * (0.25 / self.before + 0.25 / self.now) ** 0.5, LEAST)


def drift(workspace: "Workspace", found: Overview) -> Drift:
    """The window of an overview beside as long a time before, each by up to SAMPLE answered questions, even in time."""
    since, until = found.times[0], found.times[-1]
    asked = found.asked
    before, now = (
        readmodel.sample(workspace, Stretch(start, end, asked.origin, asked.agent, asked.prompt), SAMPLE)
        for start, end in ((since - (until - since), since), (since, until))
    )
    return compare(before, now)


def compare(before: Sequence[Said], now: Sequence[Said]) -> Drift:
    """Lengths by Kolmogorov's and Smirnov's test, shares and words by Fisher's exact one, each family after Holm."""
    if min(len(before), len(now)) < FEWEST:
        return Drift(len(before), len(now))
    then, today = traits(before), traits(now)
    return Drift(len(then), len(today), tuple(_features(then, today)), tuple(_words(then, today)))


def traits(said: Sequence[Said]) -> Traits:
    """What is compared of each of these questions and answers."""
    lengths = np.array([[length(one) for length in LENGTHS.values()] for one in said], dtype=np.int64)
    holds = np.array([[share(one) for share in SHARES.values()] for one in said], dtype=bool)
    shapes = (len(said), len(LENGTHS)), (len(said), len(SHARES))
    return Traits(lengths.reshape(shapes[0]), holds.reshape(shapes[1]), tuple(_naming(one[0]) for one in said))


def joined(parts: Sequence[Traits]) -> Traits:
    lengths, holds = (np.concatenate([getattr(one, name) for one in parts]) for name in ("lengths", "holds"))
    return Traits(lengths, holds, tuple(words for one in parts for words in one.words))


def most_changed(before: Traits, now: Traits, alpha: float, least: float) -> tuple[str, float, bool]:
    """What moved most, by how much (1 is all answers), and whether by more than chance; each family may err by `alpha`."""
    features = _features(before, now, alpha, max(LEAST, least))
    first = max(features, key=lambda one: (one.changed, one.size))
    words = _words(before, now, alpha, max(LEAST_OF_A_WORD, least)) if not first.changed else []
    if words:
        return WORDS, max(abs(one.now - one.before) for one in words), True
    return first.name, first.size, first.changed


def _features(before: Traits, now: Traits, alpha: float = ALPHA, least: float = LEAST) -> list[Feature]:
    # It takes half a second and much memory, which the console does without until a rule or a chart asks.
    from scipy.stats import ks_2samp

    found: list[tuple[str, tuple[float, ...], tuple[float, ...], float, float]] = []
    for column, name in enumerate(LENGTHS):
        then_all, now_all = before.lengths[:, column], now.lengths[:, column]
        tested = ks_2samp(then_all, now_all, method="asymp")
        found.append((name, _quartiles(then_all), _quartiles(now_all), float(tested.pvalue), float(tested.statistic)))
    for column, name in enumerate(SHARES):
        then_hits, now_hits = (int(one.holds[:, column].sum()) for one in (before, now))
        then, today = then_hits / len(before), now_hits / len(now)
        p_value = float(_fisher(now_hits, len(now), then_hits, len(before)))
        found.append((name, (then,), (today,), p_value, abs(today - then)))
    adjusted = holm([p_value for *_, p_value, _size in found])
    return [
        Feature(name, then, today, p_value < alpha and size >= least, size)
        for (name, then, today, _p, size), p_value in zip(found, adjusted, strict=True)
    ]


def _quartiles(lengths: Any) -> tuple[float, ...]:
    return tuple(map(float, np.percentile(lengths, (25, 50, 75))))


def _words(before: Traits, now: Traits, alpha: float = ALPHA, least: float = LEAST_OF_A_WORD) -> list[Word]:
    """The words of questions whose share moved most, the new ones first."""
    then_in, now_in = (Counter(word for words in side.words for word in words) for side in (before, now))
    words = sorted(then_in | now_in)
    if not words:
        return []
    then_hits = np.array([then_in[word] for word in words])
    now_hits = np.array([now_in[word] for word in words])
    p_values = holm(_fisher(now_hits, len(now), then_hits, len(before)).tolist())
    moved = now_hits / len(now) - then_hits / len(before)
    told = [
        (float(moved[place]), Word(word, float(then_hits[place] / len(before)), float(now_hits[place] / len(now))))
        for place, word in enumerate(words)
        if p_values[place] < alpha and abs(moved[place]) >= least
    ]
    most = sorted(told, key=lambda one: -abs(one[0]))[:MOST_WORDS]
    return [word for _size, word in sorted(most, key=lambda one: -one[0])]


def _fisher(hits: Any, n: int, other_hits: Any, other_n: int) -> Any:
    """Twice the smaller tail of the hypergeometric distribution: exact, and for whole arrays at once."""
    from scipy.stats import hypergeom

    together = hits + other_hits
    low = hypergeom.cdf(hits, n + other_n, together, n)
    # As many or more here is as few or fewer there, which SciPy counts without a loop over each.
    high = hypergeom.cdf(other_hits, n + other_n, together, other_n)
    return np.minimum(2 * np.minimum(low, high), 1.0)


def _naming(text: str) -> set[str]:
    return {word for one in segments(text) if NAMING.fullmatch(word := one.casefold())}


def _japanese(text: str) -> bool:
    return bool(JAPANESE.search(text))
