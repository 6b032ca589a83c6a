"""Verdicts: whether one evaluation is better than another, or whether that cannot be told yet."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.stats import binomtest

from services.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

SURE = 0.05
BETTER, WORSE, UNSURE = "better", "worse", "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """How the shared rows changed; `p_value` is the chance of such a difference between two equal versions."""

    word: str
    better: int
    worse: int
    p_value: float
    rows: int
    new_critical: list[str]


def compare(candidate: "pd.DataFrame", baseline: "pd.DataFrame", scorers: "Iterable[str]") -> Verdict:
    """Exact McNemar test on the rows both have; a row passes when it was answered and every scorer passed it."""
    names = list(scorers)
    now, before = passes(candidate, names), passes(baseline, names)
    shared = now.index.intersection(before.index)
    now, before = now[shared], before[shared]
    better, worse = int((now & ~before).sum()), int((before & ~now).sum())
    p_value = float(binomtest(better, better + worse).pvalue) if better + worse else 1.0
    critical = candidate.drop_duplicates("row_id").set_index("row_id")["critical"][shared] if len(shared) else now
    lost = [str(id) for id in shared[(before & ~now & critical.astype(bool)).to_numpy()]]
    return Verdict(_word(better, worse, p_value), better, worse, p_value, len(shared), lost)


def passes(rows: "pd.DataFrame", scorers: "Iterable[str]") -> "pd.Series[bool]":
    """Whether each row passes, by row id; a scorer that is missing or gave no value counts as failed."""
    import pandas as pd

    if rows.empty:
        return pd.Series(dtype=bool, index=pd.Index([], dtype=str))
    by_id = rows.drop_duplicates("row_id").set_index("row_id")
    passed = by_id["state"].eq("OK")
    for name in scorers:
        passed &= by_id[name].eq(True) if name in by_id else False
    return passed.astype(bool)


def sentence(verdict: Verdict) -> Message:
    """The verdict as an operator reads it."""
    counts = {"better": verdict.better, "worse": verdict.worse, "rows": verdict.rows}
    if not verdict.rows:
        return Message("Cannot tell: the two evaluations share no questions.")
    if verdict.word == BETTER:
        return Message(
            "Better: {better} of {rows} questions got better, {worse} got worse. That is unlikely to be chance.",
            **counts,
        )
    if verdict.word == WORSE:
        return Message(
            "Worse: {worse} of {rows} questions got worse, {better} got better. That is unlikely to be chance.",
            **counts,
        )
    if not verdict.better and not verdict.worse:
        return Message("Cannot tell: all {rows} shared questions came out the same.", **counts)
    return Message(
        "Cannot tell: {better} of {rows} questions got better and {worse} worse, which may be chance.", **counts
    )


def _word(better: int, worse: int, p_value: float) -> str:
    if p_value > SURE:
        return UNSURE
    return BETTER if better > worse else WORSE
