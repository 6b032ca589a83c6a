"""Which quarter hours of MLflow's traces are due for whoever keeps a copy: its file has the tables `slot` and `meta`.

A copy remembers of each quarter hour the print that MLflow had when it was read; a quarter hour whose print differs is due.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import database
from services.readmodel import source
from services.readmodel.facts import SLOT_MS, Fact
from services.readmodel.file import meta, remember, transaction

if TYPE_CHECKING:
    from services.workspace import Workspace

MINUTE = 60_000
HOUR = 60 * MINUTE
RECENT, AGAIN, ALL_EVERY, AGAIN_EVERY = 30 * MINUTE, 48 * HOUR, HOUR, 5 * MINUTE
OVERLAP = 10_000
UNSETTLED_FOR = 10 * MINUTE


@dataclass(frozen=True)
class Look:
    """How far to look back, and for what: all times in milliseconds."""

    now: int
    since: int


@dataclass(frozen=True)
class Due:
    """The quarter hours to read, newest first, and what tells each apart when it was read."""

    slots: list[int]
    prints: Mapping[int, str]


def look(workspace: "Workspace", connection: sqlite3.Connection, small: bool) -> Look:
    """Everything at first, and where that is cheap once an hour, or always where the copy is `small`.

    Else two days every five minutes, and what is new since the last look.
    """
    at, cheap = now(), source.of(workspace).tells_changes
    if not meta(connection, "complete"):
        return Look(at, 0)
    if meta(connection, "looked") > at:  # by a clock that was put back since: how far the copy is, nobody knows
        return Look(at, 0 if cheap else at - AGAIN)
    if cheap and (at - meta(connection, "looked_all") > ALL_EVERY or small):
        return Look(at, 0)
    often = at - meta(connection, "looked_again") < AGAIN_EVERY
    return Look(at, min(at - (RECENT if often else AGAIN), meta(connection, "looked") - OVERLAP))


def at_places(workspace: "Workspace", connection: sqlite3.Connection) -> None:
    """Have everything read again where the copy was made while the app's question and answer stood elsewhere."""
    number = int.from_bytes(hashlib.blake2b(repr(workspace.app.places).encode(), digest_size=6).digest())
    wanted = number if workspace.app.places else 0
    if meta(connection, "places") == wanted:
        return
    with transaction(connection):
        connection.execute("UPDATE slot SET print = ''")
        remember(connection, "complete", 0)
        remember(connection, "places", wanted)


def due(workspace: "Workspace", connection: sqlite3.Connection, wanted: Look) -> Due:
    """What differs since `wanted.since`, and where a verdict was given or changed before that."""
    history = source.of(workspace)
    since = wanted.since // SLOT_MS * SLOT_MS
    prints = history.prints(workspace, since)
    known = dict(connection.execute("SELECT slot, print FROM slot WHERE slot >= ?", (since // SLOT_MS,)))
    differing = {slot for slot in prints.keys() | known.keys() if prints.get(slot) != known.get(slot)}
    late = history.touched(workspace, meta(connection, "looked") - OVERLAP) if since else set()
    older = {slot for slot in late if slot < since // SLOT_MS}
    if older:
        prints |= dict.fromkeys(older, f"touched {wanted.now}")
    return Due(sorted(differing | older, reverse=True), prints)


def seen(connection: sqlite3.Connection, prints: Mapping[int, str | None]) -> None:
    """Remember what each quarter hour was when it was read; None when MLflow has nothing there any more."""
    gone = [(slot,) for slot, print in prints.items() if print is None]
    there = [(slot, print) for slot, print in prints.items() if print is not None]
    connection.executemany("DELETE FROM slot WHERE slot = ?", gone)
    connection.executemany("INSERT OR REPLACE INTO slot VALUES (?, ?)", there)


def done(connection: sqlite3.Connection, look: Look) -> None:
    """A look that leaves out a time that nobody has read is no news of how far the copy is."""
    if look.since > meta(connection, "looked"):
        return
    with transaction(connection):
        remember(connection, "looked", look.now)
        if look.since == 0:
            remember(connection, "complete", 1)
            remember(connection, "looked_all", look.now)
        if look.now - look.since >= AGAIN:
            remember(connection, "looked_again", look.now)


def unsettled(facts: Iterable[Fact]) -> bool:
    """Whether what describes a trace may still arrive; spans are stored before it."""
    at = now()
    return any(not fact.settled and at - fact.at < UNSETTLED_FOR for fact in facts)


def now() -> int:
    return int(database.now().timestamp() * 1000)
