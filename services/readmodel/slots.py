"""Quarter hours side by side as columns of numbers, for what compares many windows: alerts and their previews."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from services.readmodel import file, sketch
from services.readmodel.facts import NANO, PEOPLE, PRODUCTION, SLOT_MS
from services.readmodel.filling import ID_BITS
from services.readmodel.sums import DIM_BITS

if TYPE_CHECKING:
    from services.workspace import Workspace

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Slots:
    """Live traces per quarter hour, from the `first` quarter hour since 1970 on; columns of equal length.

    `passed` of `judged`: of one scorer in production; `given`: its verdicts, numbers too. `differ` of `both`: answers on which a person differs from it.
    `slow`: counts per quarter hour and bin of the latency sketch; without rows where nobody asked for it.
    """

    first: int
    count: Numbers
    errors: Numbers
    tokens: Numbers
    cost: Numbers
    costed: Numbers
    given: Numbers
    judged: Numbers
    passed: Numbers
    both: Numbers
    differ: Numbers
    slow: Numbers


def read(workspace: "Workspace", first: int, end: int, scorer: str = "", times: bool = False) -> Slots:
    """The quarter hours from `first` to before `end`; the verdicts of `scorer`, and sketches if `times`."""
    with file.reading(workspace) as connection:
        columns = _sums(connection, first, end) | _verdicts(connection, first, end, scorer)
        columns |= _pairs(connection, first, end, scorer)
        slow = _slow(connection, first, end) if times else np.zeros((0, sketch.BINS))
    return Slots(first=first, slow=slow, **columns)


def _sums(connection: sqlite3.Connection, first: int, end: int) -> dict[str, Numbers]:
    query = (
        "SELECT slot, sum(n), sum(CASE WHEN state = 'ERROR' THEN n ELSE 0 END), sum(tokens), sum(cost), sum(costed) "
        "FROM quarter_sum JOIN dim ON dim.id = dim WHERE quarter_sum.id >= ? AND quarter_sum.id < ? "
        "AND origin = 'live' GROUP BY slot"
    )
    names = ("count", "errors", "tokens", "cost", "costed")
    found = _columns(connection.execute(query, (first << DIM_BITS, end << DIM_BITS)), names, first, end)
    return found | {"cost": found["cost"] / NANO}


def _verdicts(connection: sqlite3.Connection, first: int, end: int, scorer: str) -> dict[str, Numbers]:
    query = (
        "SELECT slot, sum(judged + n), sum(judged), sum(passed) FROM quarter_score JOIN dim ON dim.id = dim "
        "WHERE slot >= ? AND slot < ? AND kind = ? AND name = ? AND origin = 'live' GROUP BY slot"
    )
    rows = connection.execute(query, (first, end, PRODUCTION, scorer))
    return _columns(rows, ("given", "judged", "passed"), first, end)


def _pairs(connection: sqlite3.Connection, first: int, end: int, scorer: str) -> dict[str, Numbers]:
    """Each answer once that both the scorer and somebody judged: people are the fewer, so they are looked for first."""
    ids = (first * SLOT_MS << ID_BITS, end * SLOT_MS << ID_BITS)
    query = (
        f"SELECT (id >> {ID_BITS}) / {SLOT_MS}, count(*), sum(differs) FROM ("
        "SELECT people.id AS id, max(people.value != scorer.value) AS differs FROM mark people "
        "JOIN mark scorer ON scorer.id = people.id AND scorer.name = people.name "
        "JOIN trace ON trace.id = people.id "
        "WHERE people.kind = ? AND people.name = ? AND people.newest AND people.binary AND people.id >= ? "
        "AND people.id < ? AND scorer.kind = ? AND scorer.newest AND scorer.binary AND origin = 'live' "
        "GROUP BY people.id) GROUP BY 1"
    )
    rows = connection.execute(query, (PEOPLE, scorer, *ids, PRODUCTION)) if scorer else ()
    return _columns(rows, ("both", "differ"), first, end)


def _slow(connection: sqlite3.Connection, first: int, end: int) -> Numbers:
    query = (
        "SELECT slot, sketch FROM quarter_sum JOIN dim ON dim.id = dim WHERE quarter_sum.id >= ? "
        "AND quarter_sum.id < ? AND origin = 'live' AND state = 'OK'"
    )
    rows = connection.execute(query, (first << DIM_BITS, end << DIM_BITS)).fetchall()
    if not rows:
        return np.zeros((end - first, sketch.BINS))
    return sketch.grouped([row[1] for row in rows], [row[0] - first for row in rows], end - first)


def _columns(rows: Iterable[Any], names: tuple[str, ...], first: int, end: int) -> dict[str, Numbers]:
    held = np.zeros((len(names), end - first), dtype=np.int64)
    for slot, *values in rows:
        held[:, slot - first] = values
    return dict(zip(names, held, strict=True))
