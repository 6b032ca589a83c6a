"""The way to the console's database: engines, and transactions that take the write lock first."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import OperationalError

from services.errors import PlatformError
from services.messages import Message

# One number for every writer of the console, among the advisory locks of a PostgreSQL database.
WRITE_LOCK = 7_411_602


def connect(url: str) -> Engine:
    """An engine on the console's database; SQLite gets WAL, foreign keys and a 20 s wait for a busy file."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _say_plainly)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that takes the write lock first, so that what it reads cannot change before it writes."""
    with engine.execution_options(writing=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": WRITE_LOCK})
        yield connection


def new_id(result: CursorResult[Any]) -> int:
    """The number that an insert gave its row."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _say_plainly(context: ExceptionContext) -> None:
    """A database that is full, read-only, locked or away is for the operator to mend; what else fails is a defect."""
    if not isinstance(context.sqlalchemy_exception, OperationalError):
        return
    reason = str(context.original_exception).strip().partition("\n")[0]
    raise PlatformError(
        Message("The console's database failed: {reason}.", reason=reason),
        Message("Check the free space and the permissions of the data folder, then try again."),
        retryable=True,
    )


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=20000")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
