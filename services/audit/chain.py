"""The lines themselves: appended only, each with a hash that follows from the line before it."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from services.database import event_log, new_id, now, writing

GENESIS = "0" * 64
LONGEST_CHANGE = timedelta(minutes=15)


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
    previous = GENESIS
    with engine.connect() as connection:
        for row in connection.execute(select(event_log).order_by(event_log.c.id)):
            line = dict(row._mapping)
            stated, id = line.pop("hash"), line.pop("id")
            if line["previous_hash"] != previous or hash_of(line) != stated:
                return int(id)
            previous = stated
    return None


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
