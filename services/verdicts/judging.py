"""One set of pairs judged: the test and the interval that suit it, the word, and how many more rows would settle it."""

import math
from dataclasses import dataclass, replace

from services.verdicts import intervals, paired, sizes, words
from services.verdicts.records import BETTER, NUMBER, PASS, UNSURE, WORSE, ScorerVerdict, VerdictSettings
from services.verdicts.rows import Pairs


@dataclass(frozen=True)
class _Table:
    """A pass/fail comparison counted: passed by both, by the new one only, by the old one only, by neither."""

    both: int
    better: int
    worse: int
    neither: int


def judge(name: str, pairs: Pairs, settings: VerdictSettings) -> ScorerVerdict:
    """The pairs by themselves; `worded` gives the word once it is known how many tests are looked at."""
    margin = settings.margin * pairs.span
    nothing = ScorerVerdict(
        name, pairs.kind, UNSURE, 0.0, None, None, 1.0, 1.0, 0, 0, 0, 0, 0.0, 0.0, margin, False, None
    )
    if pairs.now.empty:
        return nothing
    differences = pairs.differences.round(12).to_numpy(dtype=float)
    p_value, (low, high) = _tested(pairs)
    difference = round(float(differences.mean()), 12)
    low, high = intervals.in_step(low, high, difference, p_value)
    better, worse = _moved(pairs)
    return replace(
        nothing,
        difference=difference,
        low=max(low, -pairs.span),
        high=min(high, pairs.span),
        p_value=p_value,
        adjusted_p=p_value,
        better=better,
        worse=worse,
        same=len(differences) - better - worse,
        rows=len(differences),
        now=float(pairs.now.mean()),
        before=float(pairs.before.mean()),
        not_worse=low > -margin,
    )


def worded(
    found: ScorerVerdict, pairs: Pairs, settings: VerdictSettings, adjusted_p: float, tests: int
) -> ScorerVerdict:
    """The verdict with its word, how many more rows would settle it, and its sentences."""
    noise = abs(settings.noise.get(found.name, 0.0))
    word = UNSURE
    if found.rows and adjusted_p <= settings.sure and abs(found.difference) > noise:
        word = BETTER if found.difference > 0 else WORSE
    settled = replace(found, word=word, adjusted_p=adjusted_p)
    settled = replace(settled, needed_rows=_needed(settled, pairs, settings.sure / tests, noise))
    about = words.Circumstances(
        tests=tests,
        sure=settings.sure,
        noise=noise,
        open=pairs.open,
        ranks=paired.ranks(pairs.differences.round(12).to_numpy(dtype=float)) if pairs.kind == NUMBER else None,
        margin_rows=_margin_rows(settled, pairs),
    )
    return replace(settled, sentences=words.of_scorer(settled, about))


def _tested(pairs: Pairs) -> tuple[float, tuple[float, float]]:
    """McNemar and Newcombe for pass and fail asked once, Student for numbers and for shares of repeats."""
    if pairs.kind == PASS and pairs.repeats == 1:
        table = _table(pairs)
        return paired.mcnemar(table.better, table.worse), intervals.paired_shares(
            table.both, table.better, table.worse, table.neither
        )
    differences = pairs.differences.round(12).to_numpy(dtype=float)
    return paired.student(differences), intervals.means(differences, pairs.span)


def _table(pairs: Pairs) -> _Table:
    """A row counts as passed when more than half of its repeats passed."""
    now, before = pairs.now > 0.5, pairs.before > 0.5
    return _Table(
        int((now & before).sum()), int((now & ~before).sum()), int((before & ~now).sum()), int((~now & ~before).sum())
    )


def _moved(pairs: Pairs) -> tuple[int, int]:
    if pairs.kind == PASS:
        table = _table(pairs)
        return table.better, table.worse
    changed = pairs.differences.round(12)
    return int((changed > 0).sum()), int((changed < 0).sum())


def _needed(found: ScorerVerdict, pairs: Pairs, alpha: float, noise: float) -> int | None:
    if found.word != UNSURE:
        return 0
    if not found.rows or abs(found.difference) <= noise:
        return None
    if pairs.kind == PASS and pairs.repeats == 1:
        rows = sizes.for_shares(found.better / found.rows, found.worse / found.rows, alpha)
    else:
        rows = sizes.for_means(found.difference, _deviation(pairs), alpha)
    return None if rows is None else max(rows - found.rows, 1)


def _margin_rows(found: ScorerVerdict, pairs: Pairs) -> int | None:
    if not found.rows or found.not_worse:
        return None
    rows = sizes.for_margin(found.difference, _deviation(pairs), found.margin)
    return None if rows is None else sizes.about(max(rows - found.rows, 1))


def _deviation(pairs: Pairs) -> float:
    """The standard deviation over rows; with half a row moved each way where a few pass/fail rows show no change."""
    differences = pairs.differences
    if pairs.kind == NUMBER:
        return float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    square, mean = (float((differences**2).sum()) + 1) / (len(differences) + 2), float(differences.mean())
    return math.sqrt(max(square - mean**2, 0.0))
