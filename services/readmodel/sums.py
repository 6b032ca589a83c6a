"""What a quarter hour and an hour add up to, per app version, prompt version, origin and state of the answers."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from services.readmodel import sketch
from services.readmodel.facts import Fact, Mark

QUARTERS = 4
# A sum's key is its time, then whose: what a window adds up lies side by side in the file.
DIM_BITS = 20
SUMMED = "n, timed, tokens_in, tokens_out, tokens, cost, costed, streamed"
SKETCHES = ("sketch", "first")
SCORED = "n, total, judged, passed, every_n, every_value, every_total"


def keep_quarter(connection: sqlite3.Connection, slot: int, facts: Iterable[Fact], dims: dict[str, int]) -> None:
    """Replace the sums of one quarter hour by those of its traces."""
    _forget(connection, "quarter", slot)
    by_dim: dict[int, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_dim[dims[fact.trace_id]].append(fact)
    for dim, held in by_dim.items():
        _keep(connection, slot, dim, held)


def keep_hour(connection: sqlite3.Connection, hour: int) -> None:
    """Replace the sums of one hour by those of its four quarters."""
    _forget(connection, "hour", hour)
    quarters = (hour * QUARTERS, (hour + 1) * QUARTERS)
    sums = ", ".join(f"sum({one})" for one in SUMMED.split(", "))
    ids = (quarters[0] << DIM_BITS, quarters[1] << DIM_BITS)
    query = f"SELECT dim, {sums} FROM quarter_sum WHERE id >= ? AND id < ? GROUP BY dim"
    for row in connection.execute(query, ids).fetchall():
        blobs = f"SELECT {', '.join(SKETCHES)} FROM quarter_sum WHERE id >= ? AND id < ? AND dim = ?"
        merged = map(sketch.merged, zip(*connection.execute(blobs, (*ids, row[0])), strict=True))
        _insert(connection, "hour_sum", (hour << DIM_BITS | row[0], hour, *row, *merged))
    scored = ", ".join(f"sum({one})" for one in SCORED.split(", "))
    connection.execute(
        f"INSERT INTO hour_score SELECT ?, dim, kind, name, {scored} FROM quarter_score "
        "WHERE slot >= ? AND slot < ? GROUP BY dim, kind, name",
        (hour, *quarters),
    )


def _keep(connection: sqlite3.Connection, slot: int, dim: int, held: list[Fact]) -> None:
    times = [fact.millis for fact in held if fact.millis is not None]
    firsts = [fact.first for fact in held if fact.first is not None]
    counted = [
        sum(value or 0 for value in values)
        for values in zip(*((one.tokens_in, one.tokens_out, one.tokens, one.cost) for one in held), strict=True)
    ]
    costed = sum(one.cost is not None for one in held)
    row = (slot << DIM_BITS | dim, slot, dim, len(held), len(times), *counted, costed, len(firsts))
    _insert(connection, "quarter_sum", (*row, sketch.pack(times), sketch.pack(firsts)))
    marks: dict[tuple[str, str], list[Mark]] = defaultdict(list)
    for fact in held:
        for mark in fact.marks:
            marks[mark.kind, mark.name].append(mark)
    lines = [(slot, dim, *key, *_scored(given)) for key, given in marks.items()]
    connection.executemany(f"INSERT INTO quarter_score VALUES (?{', ?' * 10})", lines)


def _scored(given: list[Mark]) -> tuple[int | float, ...]:
    """The newest verdicts as the screens count them, then every valid one as MLflow counts them."""
    shown = [one.value for one in given if one.newest and one.value is not None and not one.binary]
    judged = [one.value for one in given if one.newest and one.value is not None and one.binary]
    every = [one.counted for one in given if one.counted is not None]
    return len(shown), sum(shown), len(judged), int(sum(judged)), len(given), len(every), sum(every)


def _forget(connection: sqlite3.Connection, width: str, slot: int) -> None:
    ids = (slot << DIM_BITS, (slot + 1) << DIM_BITS)
    connection.execute(f"DELETE FROM {width}_sum WHERE id >= ? AND id < ?", ids)
    connection.execute(f"DELETE FROM {width}_score WHERE slot = ?", (slot,))


def _insert(connection: sqlite3.Connection, name: str, row: tuple[Any, ...]) -> None:
    connection.execute(f"INSERT INTO {name} VALUES (?{', ?' * (len(row) - 1)})", row)
