"""Agreement of two who judged the same answers, such as a scorer and a person: confusion table and Cohen's kappa."""

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.messages import Message
from services.verdicts.intervals import Z, wilson


@dataclass(frozen=True)
class Agreement:
    """`table[i][j]` counts what the first called `labels[i]` and the second `labels[j]`; `n` is their sum.

    `kappa` is 1 when they always agree and 0 when they agree no more than chance would, as with one who gives everything
    the same verdict; None when both gave everything one and the same. `error` is its standard error, `low` to `high` its
    95 % interval; both None where the error is 0, as after few answers or full agreement: that is the formula's limit, no certainty.
    """

    labels: tuple[Any, ...]
    table: tuple[tuple[int, ...], ...]
    n: int
    agreed: int
    share_low: float
    share_high: float
    kappa: float | None
    error: float | None
    low: float | None
    high: float | None

    @property
    def share(self) -> float:
        """How often the two agreed."""
        return self.agreed / self.n if self.n else 0.0


def measure(first: Iterable[Hashable], second: Iterable[Hashable]) -> Agreement:
    """The agreement on the items that both judged; an item that either left open (None) is not counted."""
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if one is not None and other is not None]
    labels = sorted(
        {label for pair in pairs for label in pair}, key=lambda label: (str(type(label)), label), reverse=True
    )
    place = {label: number for number, label in enumerate(labels)}
    table = np.zeros((len(labels), len(labels)), dtype=int)
    for one, other in pairs:
        table[place[one], place[other]] += 1
    return of_table(table.tolist(), labels)


def of_table(table: list[list[int]], labels: Iterable[Any] | None = None) -> Agreement:
    """The agreement in a table of counts: rows are the first one's verdicts, columns the second one's."""
    counts = np.array(table, dtype=float).reshape(len(table), len(table))
    n, agreed = int(counts.sum()), int(np.trace(counts))
    kappa, error = _kappa(counts / n, n) if n else (None, None)
    low = high = None
    if kappa is not None and error is not None and not math.isclose(error, 0.0, abs_tol=1e-6):
        low, high = max(kappa - Z * error, -1.0), min(kappa + Z * error, 1.0)
    names = tuple(labels) if labels is not None else tuple(range(len(table)))
    kept = tuple(tuple(int(cell) for cell in line) for line in table)
    return Agreement(names, kept, n, agreed, *wilson(agreed, n), kappa, error, low, high)


def sentences(found: Agreement) -> tuple[Message, ...]:
    """What the numbers say, one plain sentence each."""
    if not found.n:
        return (Message("Nobody has judged the same answers yet."),)
    told = [
        Message(
            "The two agree on {agreed} of {n} {n:answer|answers}: {share}, most likely between {low} and {high}.",
            agreed=found.agreed,
            n=found.n,
            share=_percent(found.share),
            low=_percent(found.share_low),
            high=_percent(found.share_high),
        )
    ]
    if found.kappa is None:
        told.append(
            Message("Both gave every answer one and the same verdict: agreement beyond chance cannot be measured.")
        )
    elif found.low is None or found.high is None:
        told.append(
            Message(
                "Agreement beyond chance (Cohen's kappa): {kappa}. 1 is always, 0 is no more than guessing. These answers cannot "
                "tell how sure that is.",
                kappa=f"{found.kappa:.2f}",
            )
        )
    else:
        told.append(
            Message(
                "Agreement beyond chance (Cohen's kappa): {kappa}, most likely between {low} and {high}. 1 is always, 0 is "
                "no more than guessing.",
                kappa=f"{found.kappa:.2f}",
                low=f"{found.low:.2f}",
                high=f"{found.high:.2f}",
            )
        )
    return tuple(told)


def _kappa(shares: "np.ndarray[Any, Any]", n: int) -> tuple[float | None, float | None]:
    """Kappa (Cohen 1960) and its standard error (Fleiss, Cohen and Everitt 1969, eq. 13)."""
    rows, columns, agreed = shares.sum(axis=1), shares.sum(axis=0), float(np.trace(shares))
    chance = float(rows @ columns)
    if math.isclose(chance, 1.0):
        return None, None
    kappa = round((agreed - chance) / (1 - chance), 12) + 0.0
    weights = rows[None, :] + columns[:, None]
    on = float(np.sum(np.diag(shares) * (1 - (rows + columns) * (1 - kappa)) ** 2))
    off = (1 - kappa) ** 2 * float(np.sum((shares - np.diag(np.diag(shares))) * weights**2))
    variance = (on + off - (kappa - chance * (1 - kappa)) ** 2) / (1 - chance) ** 2
    return kappa, math.sqrt(max(variance, 0.0) / n)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
