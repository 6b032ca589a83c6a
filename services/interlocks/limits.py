"""The gate's limits of cost and waiting time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from services.apps.gate import Gate
from services.messages import Message
from services.money import Currency

# Where the Apps screen holds the gate.
AT_THE_GATE = {"view": "gate"}


@dataclass(frozen=True)
class Broken:
    """A rule that does not hold: what was found, why the rule is there and how to mend it.

    `critical`: the critical questions that fail, by row id.
    """

    found: Message
    why: Message
    mend: Message
    screen: str = "evaluations"
    asks: Mapping[str, str] = field(default_factory=dict)
    critical: Mapping[str, str] = field(default_factory=dict)


def broken(rows: pd.DataFrame, wanted: Gate, asks: Mapping[str, str], money: Currency) -> list[Broken]:
    """Cost per answer on average, and the seconds that 95 of 100 answers keep within; `asks` opens the evaluation."""
    answered = rows[rows["state"].eq("OK")] if len(rows) else rows
    return [*_cost(answered, wanted, asks, money), *_seconds(answered, wanted, asks)]


def _cost(answered: pd.DataFrame, wanted: Gate, asks: Mapping[str, str], money: Currency) -> list[Broken]:
    if wanted.cost is None:
        return []
    why = Message("The gate limits what an answer may cost.")
    costs = _numbers(answered, "cost")
    if costs.isna().any() or costs.empty:
        unknown = Message(
            "The cost of {n} of {rows} {rows:answer|answers} is not known.",
            n=int(costs.isna().sum()),
            rows=len(answered),
        )
        mend = Message("Use a model whose price is known, or take the limit out of the gate on the Apps screen.")
        return [Broken(unknown, why, mend, "apps", AT_THE_GATE)]
    if costs.mean() <= wanted.cost:
        return []
    found = Message(
        "An answer costs {cost} on average; the gate allows {limit}.",
        cost=money.written(float(costs.mean())),
        limit=money.written(wanted.cost),
    )
    mend = Message("Choose a cheaper model or shorten the prompt, then run the evaluation again.")
    return [Broken(found, why, mend, asks=asks)]


def _seconds(answered: pd.DataFrame, wanted: Gate, asks: Mapping[str, str]) -> list[Broken]:
    if wanted.seconds is None:
        return []
    why = Message("The gate limits how long people wait for an answer.")
    seconds = _numbers(answered, "seconds").dropna()
    slow = float(seconds.quantile(0.95)) if len(seconds) else None
    if slow is not None and slow <= wanted.seconds:
        return []
    found = Message("How long the answers took is not known.")
    if slow is not None:
        found = Message(
            "5 of 100 answers took longer than {seconds} seconds; the gate allows {limit}.",
            seconds=f"{slow:.1f}",
            limit=f"{wanted.seconds:g}",
        )
    mend = Message("Choose a faster model or shorten the prompt, then run the evaluation again.")
    return [Broken(found, why, mend, asks=asks)]


def _numbers(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
    if column not in rows:
        return pd.Series(float("nan"), index=rows.index, dtype=float)
    return pd.to_numeric(rows[column], errors="coerce").astype(float)
