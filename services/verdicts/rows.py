"""Two tables of rows, paired: one value per row and side, whatever was asked how often."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from services.verdicts.records import NUMBER, PASS


@dataclass(frozen=True)
class Pairs:
    """The rows that both sides have, by row id: a share of passed repeats, or the mean number.

    `span` is the width of the scale; `open` counts shared rows without a value: left out of numbers, failed otherwise.
    """

    now: "pd.Series[float]"
    before: "pd.Series[float]"
    kind: str
    span: float
    repeats: int
    open: int

    @property
    def differences(self) -> "pd.Series[float]":
        return self.now - self.before


def kind_of(scorer: str, *tables: pd.DataFrame) -> str:
    """Whether a scorer passes and fails rows or gives numbers, as its values show."""
    values = [table[scorer].dropna() for table in tables if scorer in table]
    passes = all(pd.api.types.infer_dtype(one, skipna=True) in ("boolean", "empty") for one in values)
    return PASS if passes else NUMBER


def asked(rows: pd.DataFrame) -> pd.DataFrame:
    """Every row and repeat once."""
    if rows.empty:
        return rows
    return rows.drop_duplicates(["row_id", "repeat"] if "repeat" in rows else ["row_id"])


def passed(rows: pd.DataFrame, scorers: Iterable[str]) -> "pd.Series[float]":
    """The share of its repeats that each row passed, by row id; a missing scorer or value counts as failed."""
    if rows.empty:
        return pd.Series(dtype=float, index=pd.Index([], dtype=str))
    every = rows["state"].eq("OK")
    for name in scorers:
        every &= rows[name].eq(True).astype(bool) if name in rows else False
    return _by_row(rows, every.astype(float))


def passed_pairs(candidate: pd.DataFrame, baseline: pd.DataFrame, scorers: list[str]) -> Pairs:
    """Whether every one of these scorers passed; candidate and baseline are as `asked` gives them."""
    now, before = passed(candidate, scorers), passed(baseline, scorers)
    shared = now.index.intersection(before.index)
    silent = pd.Series(False, index=shared)
    for table in (candidate, baseline):
        for name in [name for name in scorers if name in table]:
            unjudged = table["row_id"][table["state"].eq("OK") & table[name].isna()]
            silent |= shared.isin(unjudged)
    return Pairs(now[shared], before[shared], PASS, 1.0, _repeats(candidate, baseline), int(silent.sum()))


def number_pairs(
    candidate: pd.DataFrame, baseline: pd.DataFrame, scorer: str, scale: tuple[float, float] | None
) -> Pairs:
    """A numeric scorer's values; a question without an answer gets the scale's worst value."""
    sides = [_numbers(table, scorer) for table in (candidate, baseline)]
    seen = pd.concat(sides).dropna()
    low, high = scale or ((float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0))
    filled = [
        _by_row(table, values.where(table["state"].eq("OK"), low)) if len(table) else values
        for table, values in zip((candidate, baseline), sides, strict=True)
    ]
    shared = filled[0].index.intersection(filled[1].index)
    now, before = (side[shared] for side in filled)
    judged = now.notna() & before.notna()
    return Pairs(now[judged], before[judged], NUMBER, high - low, _repeats(candidate, baseline), int((~judged).sum()))


def _numbers(rows: pd.DataFrame, scorer: str) -> "pd.Series[float]":
    if scorer not in rows or rows.empty:
        return pd.Series(float("nan"), index=rows.index, dtype=float)
    return pd.to_numeric(rows[scorer], errors="coerce").astype(float)


def _by_row(rows: pd.DataFrame, values: "pd.Series[float]") -> "pd.Series[float]":
    """The mean of the repeats that have a value."""
    values = values.set_axis(rows["row_id"])
    return values if values.index.is_unique else values.groupby(level=0, sort=False).mean()


def _repeats(*tables: pd.DataFrame) -> int:
    return max((int(table["row_id"].value_counts().max()) for table in tables if len(table)), default=1)
