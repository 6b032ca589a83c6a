"""One consistent file of everything that cannot be derived, made while the console runs."""

import getpass
import hashlib
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from services import audit, database, people
from services.audit import Verb, verifying
from services.audit.chain import Scan, scan
from services.errors import ConflictError, ConsoleError, NotFoundError, NotReadyError, PlatformError
from services.messages import Message
from services.operations import files, kept, manifest, snapshots
from services.operations.kept import MLFLOW, OURS, Places
from services.operations.manifest import Held, Manifest
from services.people import CONSOLE, Actor
from services.processes.lock import Lock
from services.settings import Settings
from services.workspace import Workspace, connect, store_of

SPARE = 50_000_000
PACKED = frozenset({".zip", ".gz", ".parquet", ".png", ".jpg", ".xlsx", ".whl"})


@dataclass(frozen=True)
class Made:
    """A finished backup."""

    file: Path
    size: int
    manifest: Manifest


def make(settings: Settings, target: Path, environ: Mapping[str, str]) -> Made:
    """Write a backup to `target`, whole or not at all; the console may run and write meanwhile.

    Raises NotFoundError without a data folder, NotReadyError when ours is not a file or there is no room, and ConflictError
    when the file exists.
    """
    stores = _stores(settings)
    if target.exists():
        raise _exists(target)
    workspace = _workspace(settings)
    audit.require(workspace, Verb.BACK_UP)
    if target.resolve().is_relative_to(settings.home.resolve()):
        raise ConflictError(
            Message("{path} lies in the data folder, which would then hold its own backups.", path=str(target)),
            Message("Write the backup to another folder, best on another disk."),
        )
    person = _login()
    with _told(target), _alone(settings):
        target.parent.mkdir(parents=True, exist_ok=True)
        _has_room(settings, stores, target.parent)
        made = _write(settings, stores, target, environ)
        size = target.stat().st_size
    after = {"name": target.name, "lines": made.audit_lines, "person": person}
    with database.writing(workspace.engine) as connection:
        audit.record(connection, workspace, Verb.BACK_UP, target.name, after=after)
    verifying.note_backup(settings.home, made.audit_newest, made.audit_hash, made.made_at)
    return Made(target, size, made)


def usual_name(now: datetime) -> str:
    return f"signalbox-{now:%Y%m%d-%H%M%S}.zip"


def _stores(settings: Settings) -> dict[str, Path]:
    """The databases of this data folder, ours first: what ours names, MLflow's copy, made after it, still has."""
    ours = database.file_of(settings.database_url)
    if ours is None:
        raise NotReadyError(
            Message("The console's own database is on a server, which only that server can back up."),
            Message("Use its own tool, such as pg_dump, and keep the data folder with it."),
        )
    if not ours.is_file():
        raise NotFoundError(
            Message("There is no console in {path}.", path=str(settings.home)),
            Message("Set SIGNALBOX_HOME to the data folder of the console."),
        )
    theirs = store_of(settings)
    return {OURS: ours, **({MLFLOW: theirs} if theirs else {})}


def _workspace(settings: Settings) -> Workspace:
    """Whoever may read the data folder may copy it; with roles, the log names the console and who was logged in."""
    local = settings.identity == "local"
    person = Actor(settings.operator, people.ALL_ROLES) if local else CONSOLE
    return Workspace(connect(settings), person)


def _write(settings: Settings, stores: Mapping[str, Path], target: Path, environ: Mapping[str, str]) -> Manifest:
    beginning = f".signalbox-{hashlib.sha256(str(settings.home).encode()).hexdigest()[:8]}-"
    for left in target.parent.glob(f"{beginning}*{kept.PART}"):  # by a backup that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=beginning, suffix=kept.PART, dir=target.parent) as folder:
        copies = snapshots.taken(stores, Path(folder))
        engine = database.connect(f"sqlite:///{copies[OURS]}")
        found = scan(engine)
        engine.dispose()
        snapshots.in_one_file(copies.values())
        part = Path(folder) / target.name
        with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            outside = kept.places(settings, copies.get(MLFLOW))
            packed = {name: _add(archive, file, name) for name, file in copies.items()}
            for name, file in kept.found(settings, outside):
                packed |= _add_if_there(archive, file, name)
            made = _manifest(settings, environ, found, outside, packed)
            archive.writestr(manifest.NAME, _short_enough(made.written()))
        _settle(part, target)
    return made


def _add(archive: zipfile.ZipFile, file: Path, name: str) -> Held:
    packing = zipfile.ZIP_STORED if file.suffix in PACKED else zipfile.ZIP_DEFLATED
    entry = zipfile.ZipInfo.from_file(file, name, strict_timestamps=False)
    entry.compress_type = packing
    with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
        return manifest.copy(source, target)


def _add_if_there(archive: zipfile.ZipFile, file: Path, name: str) -> dict[str, Held]:
    """A running console removes files too: one that is gone when its turn comes is needed by nobody."""
    try:
        return {name: _add(archive, file, name)}
    except FileNotFoundError:
        return {}


def _short_enough(written: bytes) -> bytes:
    """A restore reads no longer one."""
    if len(written) > manifest.LARGEST:
        raise NotReadyError(
            Message("The data folder has too many files for one backup."),
            Message("Delete old evaluations and traces, or copy the folder while the console is stopped."),
        )
    return written


def _manifest(
    settings: Settings, environ: Mapping[str, str], found: Scan, outside: Places, packed: dict[str, Held]
) -> Manifest:
    elsewhere = (
        () if MLFLOW in packed else (manifest.settings_of({"MLFLOW_TRACKING_URI": settings.tracking_uri}).popitem()[1],)
    )
    return Manifest(
        made_at=datetime.now(UTC).isoformat(),
        version=_version(),
        home=str(settings.home),
        audit_lines=found.lines,
        audit_newest=found.newest,
        audit_hash=found.hash,
        settings=manifest.settings_of(environ),
        secrets=manifest.keys_of(environ),
        elsewhere=elsewhere,
        outside={name.removeprefix("home/"): str(place) for name, place in outside.packed.items()},
        missing=outside.missing,
        files=packed,
    )


def _settle(part: Path, target: Path) -> None:
    """From here on it survives a power cut, under its name, for nobody's eyes but the owner's."""
    part.chmod(0o600)
    try:
        files.settle(part, target)
    except FileExistsError as error:
        raise _exists(target) from error


def _exists(target: Path) -> ConflictError:
    return ConflictError(
        Message("The file {path} exists already.", path=str(target)), Message("Choose another name for the backup.")
    )


def _login() -> str:
    """Who is logged in on this machine; in a container a person may be but a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _has_room(settings: Settings, stores: Mapping[str, Path], folder: Path) -> None:
    databases = sum(_size(file) for file in stores.values())
    beside = [file for _name, file in kept.found(settings, kept.places(settings, stores.get(MLFLOW)))]
    needed = 2 * databases + sum(map(_size, beside)) + SPARE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NotReadyError(
            Message("The backup needs up to {needed} MB, and {path} has {free} MB left.",
                    needed=needed // 1_000_000, free=free // 1_000_000, path=str(folder)),
            Message("Free some space, or write the backup to another disk."),
        )  # fmt: skip


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _version() -> str:
    try:
        return metadata.version("signalbox")
    except metadata.PackageNotFoundError:
        return "0"


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    lock = Lock(settings.run_folder / "backup.lock")
    if not lock.acquire():
        raise ConflictError(
            Message("Another backup of this data folder is being made."), Message("Wait until it is done.")
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """What fails while writing is told in a sentence; nothing half is left behind."""
    try:
        yield
    except ConsoleError:
        raise
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise PlatformError(
            Message("The backup {path} could not be written: {reason}.", path=str(target), reason=reason),
            Message("Nothing was left behind. Check the free space and the permissions, then try again."),
        ) from error
