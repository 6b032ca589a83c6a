"""The lines themselves: appended only, each with a hash that follows from the line before it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select

from services.database import event_log, new_id, now, writing

GENESIS = "0" * 64
LONGEST_CHANGE = timedelta(minutes=15)
BATCH = 1_000
MOST_BREAKS = 20
# What a value raises that was changed to something of another kind.
UNREADABLE = (ValueError, TypeError, OverflowError)


class Kind(StrEnum):
    """How a chain can be broken."""

    EDITED = "edited"
    MISSING = "missing"
    REPLACED = "replaced"
    REWRITTEN = "rewritten"
    CUT = "cut"


@dataclass(frozen=True)
class Break:
    """The first line at which something is seen, by its number."""

    kind: Kind
    line: int


@dataclass(frozen=True)
class Scan:
    """What reading the whole chain found: how many lines, the newest one, and the breaks, oldest first."""

    lines: int
    newest: int
    hash: str
    breaks: tuple[Break, ...]


def _quiet(lines: int) -> None:
    return None


def append(connection: Connection, line: dict[str, Any]) -> int:
    """Add one line inside the caller's transaction, which must have taken the write lock; returns its number."""
    newest = select(event_log.c.hash).order_by(event_log.c.id.desc()).limit(1)
    previous = connection.execute(newest).scalar() or GENESIS
    full = line | {"at": now(), "previous_hash": previous}
    return new_id(connection.execute(insert(event_log).values(**full, hash=hash_of(full))))


def hash_of(line: dict[str, Any]) -> str:
    """The hash of a line: of everything it says but its number, the hash of the line before included."""
    written = json.dumps(line, sort_keys=True, ensure_ascii=False, default=_canonical)
    return hashlib.sha256(written.encode()).hexdigest()


def _canonical(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def broken_at(engine: Engine) -> int | None:
    """The id of the first line whose hash does not follow from the line before it; None when the chain is whole."""
    found = scan(engine).breaks
    return found[0].line if found else None


def scan(engine: Engine, known: Mapping[int, str] | None = None, tell: Callable[[int], None] = _quiet) -> Scan:
    """Read every line once, oldest first; `known` are hashes by line number that were kept elsewhere."""
    lines, last, breaks, left = 0, 0, list[Break](), dict(known or {})
    previous: str | None = GENESIS
    with engine.connect() as connection:
        while rows := _batch(connection, last):
            for id, line in rows:
                lines += 1
                expected = left.pop(id, None)
                if (kind := _break(id, line, last, previous)) is not None:
                    breaks.append(Break(kind, id))
                elif line is not None and expected not in (None, line["hash"]):
                    breaks.append(Break(Kind.REWRITTEN, id))
                last, previous = id, line["hash"] if line else None
            tell(lines)
    gone = {Break(Kind.CUT, id) if id > last else Break(Kind.MISSING, id + 1) for id in left}
    every = sorted({*breaks, *gone}, key=lambda one: one.line)
    return Scan(lines, last, previous or "", tuple(every[:MOST_BREAKS]))


def reconcile(engine: Engine) -> int:
    """Close intents whose process died before the outcome; returns how many were closed as unknown."""
    outcome = event_log.alias()
    closed = select(outcome.c.intent_id).where(outcome.c.intent_id.is_not(None))
    query = select(event_log).where(
        event_log.c.outcome == "intent", event_log.c.at < now() - LONGEST_CHANGE, event_log.c.id.not_in(closed)
    )
    with writing(engine) as connection:
        left = connection.execute(query).all()
        for row in left:
            line = {key: row._mapping[key] for key in ("app_id", "actor", "verb", "subject", "before", "after", "why")}
            append(connection, line | {"outcome": "unknown", "intent_id": row.id})
    return len(left)


def _break(id: int, line: dict[str, Any] | None, last: int, previous: str | None) -> Kind | None:
    """What is wrong with one line; a line that cannot be read (None) was changed."""
    if line is None or hash_of({key: value for key, value in line.items() if key != "hash"}) != line["hash"]:
        return Kind.EDITED
    # What follows a line that cannot be read cannot be linked, and is not at fault.
    if previous is None or line["previous_hash"] == previous:
        return None
    return Kind.MISSING if id > last + 1 else Kind.REPLACED


def _batch(connection: Connection, last: int) -> list[tuple[int, dict[str, Any] | None]]:
    """The next lines after `last`; None for a line that the database can no longer decode."""
    query = select(event_log).where(event_log.c.id > last).order_by(event_log.c.id).limit(BATCH)
    try:
        return [_split(row) for row in connection.execute(query)]
    except UNREADABLE:
        ids = connection.execute(query.with_only_columns(event_log.c.id)).scalars().all()
        return [one(connection, id) for id in ids]


def one(connection: Connection, id: int) -> tuple[int, dict[str, Any] | None]:
    """One line that exists; None for what the database can no longer decode."""
    try:
        return _split(connection.execute(select(event_log).where(event_log.c.id == id)).one())
    except UNREADABLE:
        return id, None


def _split(row: Row[Any]) -> tuple[int, dict[str, Any]]:
    line = dict(row._mapping)
    return int(line.pop("id")), line
