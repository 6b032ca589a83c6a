"""Bring a database that an older program wrote to this one's tables."""

import fcntl
import shutil
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from services.database.connection import connect, file_of, make_schema, writing
from services.errors import NotReadyError
from services.messages import Message
from services.settings import Settings

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(settings: Settings) -> None:
    """Bring the database to this program's version: under a lock, after a copy of the file when something changes.

    A server is not copied: its own tools do that. Raises NotReadyError for a database that a newer program wrote.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        engine = connect(settings.database_url)
        make_schema(engine)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        revision = _revision(engine)
        scripts = ScriptDirectory.from_config(config)
        if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
            raise _newer(settings)
        if revision != scripts.get_current_head():
            _copy_aside(settings, revision)
            with writing(engine) as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        engine.dispose()


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _newer(settings: Settings) -> NotReadyError:
    if file_of(settings.database_url) is None:
        return NotReadyError(
            Message("The console's database was written by a newer Signalbox."),
            Message("Update this one, or set SIGNALBOX_DATABASE_URL to another database."),
        )
    return NotReadyError(
        Message("The data folder {path} was written by a newer Signalbox.", path=str(settings.home)),
        Message("Update this one, or set SIGNALBOX_HOME to another folder."),
    )


def _copy_aside(settings: Settings, revision: str | None) -> None:
    file = file_of(settings.database_url)
    if revision is not None and file is not None and file.exists():
        engine = connect(settings.database_url)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        engine.dispose()
        shutil.copy2(file, file.with_suffix(f".before-{revision}.db"))
