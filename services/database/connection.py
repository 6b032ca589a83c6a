"""The way to the console's database: engines, and transactions that take the write lock first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import DataError, OperationalError

from services.errors import InvalidInputError, NotReadyError, PlatformError
from services.messages import Message
from services.platforms.databricks import lakebase

# One number for every writer of the console, among the advisory locks of a PostgreSQL database.
WRITE_LOCK = 7_411_602
CONNECT_SECONDS = 10


def connect(url: str) -> Engine:
    """An engine on the console's database; SQLite gets WAL, foreign keys and a 20 s wait for a busy file.

    Whoever reads sees one moment, on either database. Raises NotReadyError when the driver of a server is missing.
    """
    if file_of(url) is None:
        engine = _server(url)
    else:
        engine = create_engine(url)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _say_plainly)
    return engine


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None when it is on a server."""
    path = url.removeprefix("sqlite:///")
    return Path(path) if path != url else None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that takes the write lock first, so that what it reads cannot change before it writes."""
    if engine.dialect.name == "sqlite":
        with engine.execution_options(writing=True).begin() as connection:
            yield connection
        return
    # A moment that was fixed before the lock was given would be an old one.
    with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": WRITE_LOCK})
        yield connection


def make_schema(engine: Engine) -> None:
    """Make the schema of the tables where nobody else has; only on Lakebase the console has one of its own."""
    with engine.connect() as connection:
        missing = (
            engine.dialect.name != "sqlite" and connection.execute(text("SELECT current_schema()")).scalar() is None
        )
    if missing:
        with writing(engine) as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {lakebase.SCHEMA}"))


def new_id(result: CursorResult[Any]) -> int:
    """The number that an insert gave its row."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _server(url: str) -> Engine:
    """A server may be away for a while: what is left of a connection is noticed before it is used."""
    address = make_url(url)
    name = address.query.get(lakebase.PARAMETER)
    try:
        engine = create_engine(
            address.difference_update_query([lakebase.PARAMETER]),
            isolation_level="REPEATABLE READ",
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
    except ModuleNotFoundError as error:
        raise NotReadyError(
            Message("The console's database needs the package {name}, which is not installed.", name=str(error.name)),
            Message("Install the extra “postgres”."),
        ) from error
    if isinstance(name, str):
        _on_lakebase(engine, name)
    return engine


def _on_lakebase(engine: Engine, name: str) -> None:
    """A password of its own for each new connection, and a schema of our own."""

    @event.listens_for(engine, "do_connect")
    def sign_in(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> None:
        lakebase.sign_in(name, parameters)

    # Before SQLAlchemy looks which schema is the usual one.
    @event.listens_for(engine, "connect", insert=True)
    def choose_schema(connection: Any, record: Any) -> None:
        connection.execute(f"SET search_path TO {lakebase.SCHEMA}")
        connection.commit()


def _say_plainly(context: ExceptionContext) -> None:
    """A database that is full, read-only, locked or away is for the operator to mend; what else fails is a defect."""
    if context.is_pre_ping:  # the pool itself connects anew
        return
    reason = str(context.original_exception).strip().partition("\n")[0]
    if isinstance(context.sqlalchemy_exception, DataError):
        raise InvalidInputError(
            Message("The console's database cannot keep this: {reason}.", reason=reason),
            Message("Shorten it, and take out characters that cannot be seen."),
        )
    if isinstance(context.sqlalchemy_exception, OperationalError):
        raise PlatformError(
            Message("The console's database failed: {reason}.", reason=reason),
            Message("Check the free space and the permissions of the data folder, then try again.")
            if context.dialect.name == "sqlite"
            else Message("Check that the database server runs and has free space, then try again."),
            retryable=True,
        )


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=20000")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA cache_size=-16000")  # kB: a search goes through the words of all prompts


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
