"""What the archive's writer remembers beside the table: which quarter hours it holds, as far as Delta's log confirms it."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from services.readmodel import following
from services.readmodel.file import meta, remember, transaction

SWEEP = "sweep"
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slot (slot INTEGER PRIMARY KEY, print TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS intended (slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, print TEXT);
"""


def connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=20, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(SCHEMA)
    return connection


def intend(connection: sqlite3.Connection, number: int, prints: Mapping[int, str | None]) -> None:
    """What will be known once the commit of that number is in Delta's log."""
    with transaction(connection):
        connection.execute("DELETE FROM intended")
        connection.executemany(
            "INSERT INTO intended VALUES (?, ?, ?)", [(slot, number, print) for slot, print in prints.items()]
        )


def settle(connection: sqlite3.Connection, number: int) -> None:
    """Take over what Delta's newest number confirms, and forget the rest."""
    with transaction(connection):
        confirmed = "SELECT slot, print FROM intended WHERE number <= ?"
        following.seen(connection, dict(connection.execute(confirmed, (number,)).fetchall()))
        connection.execute("DELETE FROM intended")


def note(connection: sqlite3.Connection, key: str, value: int) -> None:
    with transaction(connection):
        remember(connection, key, value)


def is_noted(connection: sqlite3.Connection, key: str) -> bool:
    return bool(meta(connection, key))


def unlearn(connection: sqlite3.Connection, slots: Iterable[int]) -> None:
    with transaction(connection):
        connection.executemany("DELETE FROM slot WHERE slot = ?", [(slot,) for slot in slots])


def unlearn_before(connection: sqlite3.Connection, slot: int) -> None:
    with transaction(connection):
        connection.execute("DELETE FROM slot WHERE slot < ?", (slot,))


def how_far(folder: Path) -> tuple[bool, int]:
    """Whether everything was copied once, and when nothing newer was there (milliseconds; 0: never)."""
    with closing(connect(folder / "followed.db")) as connection:
        return bool(meta(connection, "complete")), meta(connection, "looked")


def known(folder: Path) -> set[int]:
    """The quarter hours of which MLflow had traces when they were copied."""
    with closing(connect(folder / "followed.db")) as connection:
        return {slot for (slot,) in connection.execute("SELECT slot FROM slot")}
