"""Which rows of an evaluation are looked at, in which order; a choice can be written into an address and back."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.evaluations.reading import ERROR
from services.evaluations.records import PASS
from services.messages import mark

PASSED, FAILED, NONE, ERRED, UNANSWERED = "passed", "failed", "none", "error", "unanswered"
VALUE = "value"
VERDICTS = {
    PASSED: mark("passed"),
    FAILED: mark("not passed"),
    NONE: mark("no verdict"),
    ERRED: mark("the scorer failed"),
    UNANSWERED: mark("not answered"),
}
BETTER, WORSE, SAME = "better", "worse", "same"
CHANGES = {BETTER: mark("got better"), WORSE: mark("got worse"), SAME: mark("stayed the same")}
SORTS = {
    "": mark("As in the dataset"),
    "failures": mark("Most failures first"),
    "slowest": mark("Slowest first"),
    "tokens": mark("Most tokens first"),
    "dearest": mark("Most expensive first"),
    "longest": mark("Longest answer first"),
}
LISTS = ("topic", "language", "split")
# What a spreadsheet would take for a formula at the start of a cell.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class RowFilter:
    """What must hold of a row; empty fields ask nothing. `scorer` names whose verdict or change is meant, else any."""

    scorer: str = ""
    verdict: str = ""
    change: str = ""
    critical: bool = False
    topic: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    words: str = ""
    sort: str = ""

    @classmethod
    def from_address(cls, asked: Mapping[str, Sequence[str]]) -> "RowFilter":
        """What an address says; what it says wrongly is left out."""

        def one(name: str, known: Mapping[str, str]) -> str:
            value = next(iter(asked.get(name, ())), "")
            return value if value in known else ""

        first = {name: next(iter(asked.get(name, ())), "") for name in ("scorer", "words")}
        return cls(
            scorer=first["scorer"],
            words=first["words"],
            verdict=one("verdict", VERDICTS),
            change=one("change", CHANGES),
            sort=one("sort", SORTS),
            critical=one("critical", {"yes": ""}) == "yes",
            **{name: tuple(asked.get(name, ())) for name in LISTS},
        )

    def to_address(self) -> dict[str, list[str]]:
        """Only what is asked for."""
        single = {"scorer": self.scorer, "verdict": self.verdict, "change": self.change, "words": self.words}
        single |= {"sort": self.sort, "critical": "yes" if self.critical else ""}
        found = {name: [value] for name, value in single.items() if value}
        return found | {name: list(getattr(self, name)) for name in LISTS if getattr(self, name)}

    @property
    def asks(self) -> bool:
        return self != RowFilter(sort=self.sort)


ADDRESS = ("scorer", "verdict", "change", "critical", *LISTS, "words", "sort")


def states(table: pd.DataFrame, name: str, kind: str) -> pd.Series:
    """How each row stands with one scorer: passed, failed, none, error, or value for what is neither.

    A scorer fails only at what was answered: the rest is the answer's failure, not the scorer's.
    """
    value = table[name]
    if kind == PASS:
        found = np.where(value.eq(True), PASSED, np.where(value.eq(False), FAILED, NONE))
    else:
        found = np.where(value.notna(), VALUE, NONE)
    erred = (table[f"{name}{ERROR}"].fillna("").ne("") & table["state"].eq("OK")).to_numpy()
    return pd.Series(np.where(erred, ERRED, found), index=table.index)


def choose(
    table: pd.DataFrame, kinds: Mapping[str, str], asked: RowFilter, changes: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The rows that fit, in the order asked for; `changes` says per row id and scorer what became of it."""
    if table.empty:
        return table
    every = pd.DataFrame({name: states(table, name, kind) for name, kind in kinds.items()}, index=table.index)
    fits = pd.Series(True, index=table.index)
    if asked.verdict == UNANSWERED:
        fits &= table["state"].ne("OK")
    elif asked.verdict:
        fits &= _with_verdict(every, asked)
    if asked.change and changes is not None and asked.scorer in changes:
        fits &= table["row_id"].map(changes[asked.scorer]).eq(asked.change)
    if asked.critical:
        fits &= table["critical"].astype(bool)
    for name in LISTS:
        if wanted := getattr(asked, name):
            fits &= table[name].isin(wanted)
    if asked.words.strip():
        said = (table["question"] + "\n" + table["answer"] + "\n" + table["messages"]).str.casefold()
        for word in asked.words.casefold().split():
            fits &= said.str.contains(word, regex=False)
    return _sorted(table[fits], every[fits], asked.sort)


def csv(table: pd.DataFrame, headings: Mapping[str, str]) -> bytes:
    """The columns of `headings` under these headings, for a spreadsheet: what would be a formula is plain text."""
    shown = table[list(headings)].rename(columns=dict(headings)).map(_plain)
    written = io.StringIO()
    shown.to_csv(written, index=False)
    return written.getvalue().encode("utf-8-sig")


def without(asked: RowFilter, *, change: bool = False) -> RowFilter:
    """The same choice without what only a comparison can answer."""
    return replace(asked, change="") if change else RowFilter(sort=asked.sort)


def _with_verdict(every: pd.DataFrame, asked: RowFilter) -> pd.Series:
    if asked.scorer in every:
        return every[asked.scorer].eq(asked.verdict)
    if asked.verdict == PASSED:
        return every.isin([PASSED, VALUE]).all(axis=1)
    return every.eq(asked.verdict).any(axis=1)


def _sorted(table: pd.DataFrame, every: pd.DataFrame, sort: str) -> pd.DataFrame:
    keys = {
        "failures": lambda: every.isin([FAILED, ERRED]).sum(axis=1),
        "slowest": lambda: table["seconds"],
        "tokens": lambda: table["input_tokens"].fillna(0) + table["output_tokens"].fillna(0),
        "dearest": lambda: table["cost"],
        "longest": lambda: table["answer"].str.len(),
    }
    if sort not in keys:
        return table
    return table.loc[keys[sort]().sort_values(ascending=False, kind="stable", na_position="last").index]


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
