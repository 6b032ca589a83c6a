"""An MLflow store that exists already becomes this console's own: looked at first, then copied; the original is only read."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow.store.db.utils import _get_latest_schema_revision, _upgrade_db, create_sqlalchemy_engine

from services.errors import ConflictError, ConsoleError, InvalidInputError, PlatformError
from services.messages import Message
from services.operations import moving
from services.operations.files import settle, sqlite
from services.processes.lock import Lock
from services.settings import Settings
from services.workspace import store_of

# MLflow's own words for files that its server hands out, and for those beside the place where it was started.
SERVED, BESIDE = "mlflow-artifacts:", "./"
COUNTED = {
    "experiments": "SELECT count(*) FROM experiments WHERE lifecycle_stage = 'active'",
    "runs": "SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'",
    "traces": "SELECT count(*) FROM trace_info",
    "models": "SELECT count(*) FROM registered_models",
}


@dataclass(frozen=True)
class Preview:
    """What a store holds; `older`: this MLflow must upgrade it; `lost`: places of files that are not found."""

    file: Path
    counts: dict[str, int]
    older: bool
    lost: tuple[str, ...]
    size: int


def look(file: Path, files: Path | None = None) -> Preview:
    """Read the store without changing it; raises InvalidInputError for what is no MLflow database."""
    with _told(file), closing(sqlite(file, "ro")) as connection:
        there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"experiments", "runs", "alembic_version"} <= there:
            raise _no_store(file)
        (revision,) = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
        counts = {name: _count(connection, query, there) for name, query in COUNTED.items()}
        places = [str(row[0] or "") for row in connection.execute("SELECT DISTINCT artifact_location FROM experiments")]
    lost = tuple(one for one in places if _lost(one, file, files))
    return Preview(file, counts, revision != _get_latest_schema_revision(), lost, file.stat().st_size)


def take_over(settings: Settings, file: Path, files: Path | None = None) -> Preview:
    """Copy the store into the data folder, upgraded; its files stay where they are and are named by their whole path.

    Raises ConflictError when the console runs or has a store of its own.
    """
    store = store_of(settings)
    if store is None or not store.is_relative_to(settings.home):
        raise ConflictError(
            Message("MLFLOW_TRACKING_URI names a store already."),
            Message("Take the setting away to take a store over, or connect the other store by it."),
        )
    seen = look(file, files)
    lock = Lock(settings.run_folder / "web.lock")
    with _told(file):
        if store.exists() or not lock.acquire():
            raise _has_one(settings)
    try:
        _copy(settings, file, files, store)
    finally:
        lock.release()
    return seen


def _copy(settings: Settings, file: Path, files: Path | None, store: Path) -> None:
    with _told(file), tempfile.TemporaryDirectory(prefix=".import-", dir=settings.home) as folder:
        copy = Path(folder) / "mlflow.db"
        with closing(sqlite(file, "ro")) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        _name_places(copy, file, files)
        _upgrade(copy)
        try:
            settle(copy, store)
        except FileExistsError as error:
            raise _has_one(settings) from error


def _has_one(settings: Settings) -> ConflictError:
    return ConflictError(
        Message("The data folder {path} has a store of its own already.", path=str(settings.home)),
        Message("Set SIGNALBOX_HOME to a new folder: nothing is merged or overwritten."),
    )


def _name_places(copy: Path, file: Path, files: Path | None) -> None:
    base = (files or file.parent).absolute()
    moving.rewrite(copy, BESIDE.rstrip("/"), str(base))
    if files is not None:
        moving.rewrite(copy, SERVED, f"file://{base}")


def _upgrade(copy: Path) -> None:
    engine = create_sqlalchemy_engine(f"sqlite:///{copy}")
    _upgrade_db(engine)
    engine.dispose()
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")


def _lost(place: str, file: Path, files: Path | None) -> bool:
    """Whether the console would not find the files; what lies in a cloud is asked there."""
    if place.startswith(SERVED):
        return files is None
    if place.startswith(BESIDE):
        return not ((files or file.parent) / place).is_dir()
    plain = place.removeprefix("file://")
    # MLflow makes the folder of an experiment with its first file.
    return plain.startswith("/") and not (Path(plain).is_dir() or Path(plain).parent.is_dir())


def _count(connection: sqlite3.Connection, query: str, there: set[str]) -> int:
    table = query.split(" FROM ")[1].split()[0]
    return int(connection.execute(query).fetchone()[0]) if table in there else 0


def _no_store(file: Path) -> InvalidInputError:
    return InvalidInputError(
        Message("{path} is not a database of MLflow.", path=str(file)),
        Message("Name the file that MLflow's “--backend-store-uri sqlite:///…” names, often mlflow.db."),
    )


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except ConsoleError:
        raise
    except (OSError, sqlite3.OperationalError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise PlatformError(
            Message("The store {path} could not be copied: {reason}.", path=str(file), reason=reason),
            Message("Nothing was changed. Check the free space and the permissions, then try again."),
        ) from error
    except sqlite3.DatabaseError as error:
        raise _no_store(file) from error
