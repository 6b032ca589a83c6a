"""What is kept: the console's database, MLflow's store, the audit log, the last backup, and the clock they rest on."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from services import database as own
from services.audit import verifying
from services.audit.chain import scan
from services.database import event_log
from services.database.upgrade import MIGRATIONS
from services.errors import PlatformError
from services.messages import Message
from services.operations.doctor.seen import Level, Seen, fine
from services.operations.files import sqlite
from services.settings import Settings
from services.workspace import store_of

OLD = timedelta(days=7)
AHEAD = timedelta(minutes=2)
SECONDS = 5.0


def _there(settings: Settings) -> bool:
    """A check must not make what it looks for; of a server that is away, the check itself tells."""
    file = own.file_of(settings.database_url)
    if file is not None:
        return file.is_file()
    engine = own.connect(settings.database_url)
    try:
        return bool(inspect(engine).has_table("event"))
    except PlatformError:
        return True
    finally:
        engine.dispose()


def _reading(settings: Settings) -> Engine:
    """The console's database, read only: nothing is left beside a file, whoever looks."""
    file = own.file_of(settings.database_url)
    if file is None:
        return own.connect(settings.database_url)
    return create_engine("sqlite://", creator=lambda: sqlite(file, "ro", SECONDS), poolclass=NullPool)


def _nothing_yet() -> Seen:
    return Seen(
        Level.HINT, Message("Nothing is kept yet."), Message("The first start of the console sets everything up.")
    )


def database(settings: Settings, environ: Mapping[str, str]) -> Seen:
    if not _there(settings):
        return _nothing_yet()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    engine = _reading(settings)
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except (SQLAlchemyError, PlatformError, sqlite3.Error) as error:
        return Seen(
            Level.WRONG,
            Message("It cannot be opened: {reason}.", reason=str(error).partition("\n")[0][:200]),
            Message("Check the file or the server; if the file is damaged, restore the last backup into a new folder."),
        )
    finally:
        engine.dispose()
    if revision == scripts.get_current_head():
        return fine(Message("It can be read and is up to date."))
    if revision in {one.revision for one in scripts.walk_revisions()} or revision is None:
        return Seen(
            Level.HINT,
            Message("It was written by an older version of the console."),
            Message("The next start brings it up to date, after a copy. Make a backup first.")
            if own.file_of(settings.database_url)
            else Message(
                "The next start brings it up to date. Back it up first by its server's own tool, such as pg_dump."
            ),
        )
    return Seen(
        Level.WRONG,
        Message("It was written by a newer version of the console."),
        Message("Update this console, or set SIGNALBOX_HOME to another folder.")
        if own.file_of(settings.database_url)
        else Message("Update this console, or set SIGNALBOX_DATABASE_URL to another database."),
    )


def mlflow(settings: Settings, environ: Mapping[str, str]) -> Seen:
    if settings.databricks is not None:
        return fine(Message("It is the Databricks workspace; the screen Connection checks it."))
    if settings.tracking_uri.startswith("http"):
        return _server(settings)
    file = store_of(settings)
    if file is None:
        return fine(Message("It is a database on a server; the start of the console checks it."))
    return _file(settings, file)


def _server(settings: Settings) -> Seen:
    import requests

    try:
        answer = requests.get(f"{settings.tracking_uri}/health", timeout=SECONDS)
        answer.raise_for_status()
    except requests.RequestException as error:
        return Seen(
            Level.WRONG,
            Message("The MLflow server does not answer ({reason}).", reason=type(error).__name__),
            Message("Check that it runs and that MLFLOW_TRACKING_URI names it."),
        )
    return fine(Message("The MLflow server answers."))


def _file(settings: Settings, file: Path) -> Seen:
    from mlflow.store.db.utils import _get_latest_schema_revision

    if not file.is_file():
        return _nothing_yet()
    try:
        with closing(sqlite(file, "ro", SECONDS)) as connection:
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            experiments = connection.execute("SELECT count(*) FROM experiments").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        return Seen(
            Level.WRONG,
            Message("Its store cannot be read: {reason}.", reason=str(error)),
            Message("If the file is damaged, restore the last backup into a new folder."),
        )
    if revision != _get_latest_schema_revision():
        return Seen(
            Level.WRONG,
            Message("Its store was written by another version of MLflow."),
            Message("Make a backup, then run “.venv/bin/mlflow db upgrade {uri}”.", uri=settings.tracking_uri),
        )
    return fine(Message("Its store can be read and is up to date; experiments: {n}.", n=experiments))


def audit_log(settings: Settings, environ: Mapping[str, str]) -> Seen:
    if not _there(settings):
        return _nothing_yet()
    engine = _reading(settings)
    try:
        found = scan(engine, verifying.known(settings.home))
    except SQLAlchemyError:
        return Seen(Level.WRONG, Message("It cannot be read."), Message("Mend the console's database first."))
    finally:
        engine.dispose()
    if found.breaks:
        return Seen(
            Level.WRONG,
            Message("The log is broken: {what}", what=verifying.broken(found.breaks[0])),
            Message("Keep a copy of the data folder as it is, and compare it with the last backup."),
        )
    return fine(Message("Unbroken: {n} lines, the newest is line {line} with the hash {hash}.",
                        n=f"{found.lines:,}", line=found.newest, hash=found.hash))  # fmt: skip


def backup(settings: Settings, environ: Mapping[str, str]) -> Seen:
    if own.file_of(settings.database_url) is None:
        return fine(
            Message(
                "The console's database is on a server: its own tool, such as pg_dump, backs it up, together with the data folder."
            )
        )
    if not _there(settings):
        return _nothing_yet()
    last = verifying.last_backup(settings.home)
    remedy = Message("Run “make backup”, and keep the file on another machine.")
    if last is None:
        return Seen(Level.HINT, Message("No backup was ever made of this data folder."), remedy)
    days = (datetime.now(UTC) - datetime.fromisoformat(last)).days
    seen = Message("The last backup is {n} {n:day|days} old.", n=days)
    return fine(seen) if days < OLD.days else Seen(Level.HINT, seen, remedy)


def clock(settings: Settings, environ: Mapping[str, str]) -> Seen:
    """A line that is newer than now: the clock was wrong then or is wrong now."""
    now = datetime.now(UTC)
    if not _there(settings):
        return fine(Message("It is {time} UTC.", time=f"{now:%Y-%m-%d %H:%M}"))
    engine = _reading(settings)
    try:
        with engine.connect() as connection:
            newest = connection.execute(select(func.max(event_log.c.at))).scalar()
    except (SQLAlchemyError, PlatformError):
        newest = None
    finally:
        engine.dispose()
    if newest is not None and newest - now > AHEAD:
        return Seen(
            Level.WRONG,
            Message("The clock says {time} UTC, but the audit log has a line of {newest} UTC.",
                    time=f"{now:%Y-%m-%d %H:%M}", newest=f"{newest:%Y-%m-%d %H:%M}"),
            Message("Set the clock of this machine by a time server: charts, schedules and proofs rest on it."),
        )  # fmt: skip
    return fine(Message("It is {time} UTC.", time=f"{now:%Y-%m-%d %H:%M}"))
