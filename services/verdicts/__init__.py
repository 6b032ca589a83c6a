"""Verdicts: whether one evaluation is better than another, or whether that cannot be told yet.

Rows are the unit: repeats of a row are averaged first. `docs/verdicts.md` tells how a verdict is made.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from services.verdicts import agreement
from services.verdicts.judging import judge, worded
from services.verdicts.numbers import change
from services.verdicts.paired import holm
from services.verdicts.records import (
    BETTER,
    DEFAULT,
    NUMBER,
    OVERALL,
    PASS,
    UNSURE,
    WORSE,
    ScorerVerdict,
    Verdict,
    VerdictSettings,
)
from services.verdicts.rows import Pairs, asked, kind_of, number_pairs, passed, passed_pairs
from services.verdicts.sizes import about
from services.verdicts.words import of_whole, sentence

__all__ = [
    "BETTER",
    "DEFAULT",
    "OVERALL",
    "UNSURE",
    "WORSE",
    "ScorerVerdict",
    "Verdict",
    "VerdictSettings",
    "about",
    "agreement",
    "change",
    "compare",
    "noise",
    "passes",
    "sentence",
]


def compare(
    candidate: pd.DataFrame, baseline: pd.DataFrame, scorers: Iterable[str], settings: VerdictSettings = DEFAULT
) -> Verdict:
    """What changed on the rows both have, by scorer and overall.

    Overall, a row passes when it was answered and every pass/fail scorer passed it: one test, so the other scorers cost
    it nothing. Numeric scorers are a second one, and then the two are corrected for each other.
    """
    now, before = asked(candidate), asked(baseline)
    names = list(dict.fromkeys(scorers))
    pairs = {name: _pairs(now, before, name, settings) for name in names}
    found = _judged(pairs, settings)
    verdict = _whole(_parts(now, before, pairs), found, settings)
    return replace(verdict, new_critical=_new_critical(now, before, pairs))


def passes(rows: pd.DataFrame, scorers: Iterable[str]) -> "pd.Series[bool]":
    """Whether each row passes, by row id: answered, and passed by every pass/fail scorer in most of its repeats.

    A scorer that is missing or gave no value counts as failed; numbers neither pass nor fail.
    """
    once = asked(rows)
    return passed(once, [name for name in scorers if kind_of(name, once) == PASS]) > 0.5


def noise(
    first: pd.DataFrame, second: pd.DataFrame, scorers: Iterable[str], settings: VerdictSettings = DEFAULT
) -> dict[str, float]:
    """The size of each scorer's difference, and the OVERALL one, between two evaluations of the same version."""
    found = compare(first, second, scorers, settings)
    return {one.name: abs(one.difference) for one in found.scorers} | {OVERALL: abs(found.difference)}


def _pairs(now: pd.DataFrame, before: pd.DataFrame, name: str, settings: VerdictSettings) -> Pairs:
    if kind_of(name, now, before) == NUMBER:
        return number_pairs(now, before, name, settings.scales.get(name))
    found = passed_pairs(now, before, [name])
    if name in now and name in before:
        return found
    return replace(found, now=found.now[:0], before=found.before[:0])


def _judged(pairs: dict[str, Pairs], settings: VerdictSettings) -> tuple[ScorerVerdict, ...]:
    """Each set of pairs with its word, corrected for how many there are."""
    found = [judge(name, one, settings) for name, one in pairs.items()]
    told = [one for one in found if one.rows]
    adjusted = dict(zip((one.name for one in told), holm([one.p_value for one in told]), strict=True))
    return tuple(
        worded(one, pairs[one.name], settings, adjusted.get(one.name, 1.0), max(len(told), 1)) for one in found
    )


def _parts(now: pd.DataFrame, before: pd.DataFrame, pairs: dict[str, Pairs]) -> list[Pairs]:
    """What the whole is judged by: rows passed by all, and the mean of the numbers as shares of their scales."""
    numbers = {name: one for name, one in pairs.items() if one.kind == NUMBER}
    others = [name for name in pairs if name not in numbers]
    parts = [passed_pairs(now, before, others)] if others or not numbers else []
    if len(numbers) == 1:
        return parts + list(numbers.values())
    return [*parts, _together(list(numbers.values()))] if numbers else parts


def _together(numbers: list[Pairs]) -> Pairs:
    numbers = [one for one in numbers if len(one.now)] or numbers
    shares = ([one.now / (one.span or 1) for one in numbers], [one.before / (one.span or 1) for one in numbers])
    sides = [pd.concat(each, axis=1, join="inner").mean(axis=1) for each in shares]
    return Pairs(sides[0], sides[1], NUMBER, 1.0, numbers[0].repeats, 0)


def _whole(parts: list[Pairs], scorers: tuple[ScorerVerdict, ...], settings: VerdictSettings) -> Verdict:
    parts = [one for one in parts if len(one.now)] or parts[:1]
    judged = [judge(OVERALL, one, settings) for one in parts]
    adjusted = holm([one.p_value for one in judged])
    found = [
        worded(one, pairs, settings, p_value, len(parts))
        for one, pairs, p_value in zip(judged, parts, adjusted, strict=True)
    ]
    words = {one.word for one in found}
    against = tuple(one.name for one in scorers if one.word == WORSE) if BETTER in words else ()
    mixed = against if against or not {BETTER, WORSE} <= words else tuple(one.name for one in scorers)
    word = UNSURE if mixed else WORSE if WORSE in words else BETTER if BETTER in words else UNSURE
    decided = min(
        (one for one in found if one.word == word or mixed), key=lambda one: (one.adjusted_p, one.same - one.rows)
    )
    told = Verdict(
        word=word,
        better=decided.better,
        worse=decided.worse,
        p_value=decided.adjusted_p,
        rows=decided.rows,
        new_critical=[],
        scorers=scorers,
        interval=(decided.low, decided.high) if decided.low is not None and decided.high is not None else None,
        needed_rows=None if mixed else decided.needed_rows,
        difference=decided.difference,
        not_worse=all(one.not_worse for one in found),
        margin=decided.margin,
        repeats=parts[0].repeats,
        mixed=mixed,
        kind=decided.kind,
        noise=abs(settings.noise.get(OVERALL, 0.0)),
        quiet=not mixed and word == UNSURE and decided.adjusted_p <= settings.sure,
    )
    return replace(told, sentences=of_whole(told))


def _new_critical(now: pd.DataFrame, before: pd.DataFrame, pairs: dict[str, Pairs]) -> list[str]:
    """Critical rows that most repeats passed before and most fail now."""
    names = [name for name, one in pairs.items() if one.kind == PASS]
    after, earlier = passed(now, names) > 0.5, passed(before, names) > 0.5
    shared = after.index.intersection(earlier.index)
    if shared.empty:
        return []
    critical = now.drop_duplicates("row_id").set_index("row_id")["critical"][shared].astype(bool)
    return [str(id) for id in shared[(earlier[shared] & ~after[shared] & critical).to_numpy()]]
