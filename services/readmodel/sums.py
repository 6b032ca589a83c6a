"""What a quarter hour and an hour add up to, per app version, prompt version, origin and state of the answers."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.readmodel import sketch
from services.readmodel.facts import Fact, Mark

QUARTERS = 4
# A sum's key is its time, then whose: what a window adds up lies side by side in the file.
DIM_BITS = 20
SUMMED = "n, timed, tokens_in, tokens_out, tokens, cost, costed, streamed"
SKETCHES = ("sketch", "first")
SCORED = "n, total, judged, passed, every_n, every_value, every_total"


def keep(connection: sqlite3.Connection, held: Mapping[int, Iterable[Fact]], dims: Mapping[str, int]) -> None:
    """Replace the sums of these quarter hours by those of their traces, and then those of their hours."""
    by_dim: dict[tuple[int, int], list[Fact]] = defaultdict(list)
    for slot, facts in held.items():
        for fact in facts:
            by_dim[slot, dims[fact.trace_id]].append(fact)
    _forget(connection, "quarter", held)
    _insert(connection, "quarter_sum", list(_sums(by_dim)))
    _insert(connection, "quarter_score", [line for key, facts in by_dim.items() for line in _scores(*key, facts)])
    _keep_hours(connection, {slot // QUARTERS for slot in held})


def _keep_hours(connection: sqlite3.Connection, hours: Collection[int]) -> None:
    _forget(connection, "hour", hours)
    _insert(connection, "hour_sum", [line for hour in hours for line in _hour_sums(connection, hour)])
    scored = ", ".join(f"sum({one})" for one in SCORED.split(", "))
    connection.executemany(
        f"INSERT INTO hour_score SELECT ?, dim, kind, name, {scored} FROM quarter_score "
        "WHERE slot >= ? AND slot < ? GROUP BY dim, kind, name",
        [(hour, hour * QUARTERS, (hour + 1) * QUARTERS) for hour in hours],
    )


def _hour_sums(connection: sqlite3.Connection, hour: int) -> Iterator[tuple[Any, ...]]:
    ids = (hour * QUARTERS << DIM_BITS, (hour + 1) * QUARTERS << DIM_BITS)
    query = f"SELECT dim, {', '.join(SKETCHES)}, {SUMMED} FROM quarter_sum WHERE id >= ? AND id < ?"
    by_dim: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for dim, *quarter in connection.execute(query, ids).fetchall():
        by_dim[dim].append(tuple(quarter))
    for dim, quarters in by_dim.items():
        times, firsts, *numbers = zip(*quarters, strict=True)
        yield hour << DIM_BITS | dim, hour, dim, *map(sum, numbers), sketch.merged(times), sketch.merged(firsts)


def _sums(held: Mapping[tuple[int, int], Sequence[Fact]]) -> Iterator[tuple[Any, ...]]:
    times = sketch.pack([[fact.millis for fact in facts if fact.millis is not None] for facts in held.values()])
    firsts = sketch.pack([[fact.first for fact in facts if fact.first is not None] for facts in held.values()])
    for ((slot, dim), facts), *sketches in zip(held.items(), times, firsts, strict=True):
        yield slot << DIM_BITS | dim, slot, dim, *_summed(facts), *sketches


def _summed(held: Sequence[Fact]) -> tuple[int, ...]:
    timed = sum(fact.millis is not None for fact in held)
    counted = [
        sum(value or 0 for value in values)
        for values in zip(*((one.tokens_in, one.tokens_out, one.tokens, one.cost) for one in held), strict=True)
    ]
    costed = sum(one.cost is not None for one in held)
    return len(held), timed, *counted, costed, sum(one.first is not None for one in held)


def _scores(slot: int, dim: int, held: list[Fact]) -> Iterator[tuple[Any, ...]]:
    marks: dict[tuple[str, str], list[Mark]] = defaultdict(list)
    for fact in held:
        for mark in fact.marks:
            marks[mark.kind, mark.name].append(mark)
    for key, given in marks.items():
        yield slot, dim, *key, *_scored(given)


def _scored(given: list[Mark]) -> tuple[int | float, ...]:
    """The newest verdicts as the screens count them, then every valid one as MLflow counts them."""
    shown = [one.value for one in given if one.newest and one.value is not None and not one.binary]
    judged = [one.value for one in given if one.newest and one.value is not None and one.binary]
    every = [one.counted for one in given if one.counted is not None]
    return len(shown), sum(shown), len(judged), int(sum(judged)), len(given), len(every), sum(every)


def _forget(connection: sqlite3.Connection, width: str, slots: Collection[int]) -> None:
    ranges = [(slot << DIM_BITS, (slot + 1) << DIM_BITS) for slot in slots]
    connection.executemany(f"DELETE FROM {width}_sum WHERE id >= ? AND id < ?", ranges)
    connection.executemany(f"DELETE FROM {width}_score WHERE slot = ?", [(slot,) for slot in slots])


def _insert(connection: sqlite3.Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        connection.executemany(f"INSERT INTO {name} VALUES (?{', ?' * (len(rows[0]) - 1)})", rows)
