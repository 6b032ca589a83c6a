"""A backup becomes a data folder again: checked whole beside it first, then put in its place."""

import os
import shutil
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy.exc import SQLAlchemyError

from services import database
from services.audit import verifying
from services.audit.chain import Scan, scan
from services.errors import ConflictError, ConsoleError, NotReadyError, PlatformError
from services.messages import Message
from services.operations import manifest, moving, past
from services.operations.kept import MLFLOW, OURS, PART
from services.operations.manifest import Manifest
from services.operations.past import Halted
from services.processes.lock import held
from services.settings import Settings
from services.workspace import store_of

SPARE = 50_000_000
# What reading a file raises in which bytes were changed.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError,
    sqlite3.DatabaseError, SQLAlchemyError,
)  # fmt: skip


@dataclass(frozen=True)
class Restored:
    """What was put in place, what reading the restored audit log found, and the work of the past that does not go on."""

    home: Path
    manifest: Manifest
    found: Scan
    halted: Halted


def run(settings: Settings, file: Path) -> Restored:
    """Restore `file` into the data folder, which must be empty; nothing changes there before everything was checked.

    Raises ConflictError for a folder in use, InvalidInputError for a damaged backup, NotReadyError without room.
    """
    home = settings.home
    _must_be_empty(home)
    with _told(home):
        place = home if home.exists() else home.parent  # a folder that is there may be a disk of its own
        place.mkdir(parents=True, exist_ok=True)
        with (
            zipfile.ZipFile(file) as archive,
            tempfile.TemporaryDirectory(prefix=_beginning(home), suffix=PART, dir=place) as folder,
        ):
            made = _manifest(archive)
            _must_be_opened_there(settings, made)
            _has_room(made, place)
            ready = Path(folder) / "home"
            _unpack(archive, made, ready)
            _name_places(ready, made, home)
            found = _verified(ready, made)
            halted = past.halt(ready / OURS, settings, made)
            # What the folder holds lies in that backup, and its log is checked against it from now on.
            verifying.note_backup(ready, made.audit_newest, made.audit_hash, made.made_at)
            _must_be_empty(home)
            ready.chmod(0o700)
            _move(ready, home)
    return Restored(home, made, found, halted)


def _must_be_empty(home: Path) -> None:
    if held(home / "run" / "web.lock") or (home.exists() and any(_counts(home, one.name) for one in home.iterdir())):
        raise ConflictError(
            Message("The data folder {path} is not empty.", path=str(home)),
            Message("A restore never overwrites: set SIGNALBOX_HOME to a new folder, or move the old one away."),
        )


def _counts(home: Path, name: str) -> bool:
    """A fresh disk has a folder of its own, and a restore that was killed leaves one."""
    return name != "lost+found" and not (name.startswith(_beginning(home)) and name.endswith(PART))


def _beginning(home: Path) -> str:
    return f".{home.name}-"


def _must_be_opened_there(settings: Settings, made: Manifest) -> None:
    """Settings that name other databases would open those instead of the restored ones."""
    named = {
        "SIGNALBOX_DATABASE_URL": settings.database_url == f"sqlite:///{settings.home / OURS}",
        "MLFLOW_TRACKING_URI": MLFLOW not in made.files or store_of(settings) == settings.home / MLFLOW,
    }
    if wrong := [name for name, right in named.items() if not right]:
        raise ConflictError(
            Message("{name} names another database than the one to be restored.", name=wrong[0]),
            Message("Take {name} out of the environment and of .env, then restore.", name=wrong[0]),
        )


def _name_places(ready: Path, made: Manifest, home: Path) -> None:
    for name, place in made.outside.items():
        moving.rewrite(ready / MLFLOW, place, f"{made.home}/{name}")
    moving.rewrite(ready / MLFLOW, made.home, str(home))


def _move(ready: Path, home: Path) -> None:
    """In one step where the folder is new; else entry by entry, the databases last, and back when one fails."""
    if not home.exists():
        os.replace(ready, home)
        return
    moved = list[str]()
    try:
        for name in sorted(os.listdir(ready), key=lambda one: (one == OURS, one.endswith(".db"), one)):
            os.rename(ready / name, home / name)
            moved.append(name)
    except OSError:
        for name in moved:
            os.rename(home / name, ready / name)
        raise


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    names = archive.namelist()
    if manifest.NAME not in names or archive.getinfo(manifest.NAME).file_size > manifest.LARGEST:
        raise manifest.unusable()
    made = manifest.read(archive.read(manifest.NAME))
    if sorted(names) != sorted([*made.files, manifest.NAME]) or OURS not in made.files:
        raise manifest.unusable()
    return made


def _unpack(archive: zipfile.ZipFile, made: Manifest, ready: Path) -> None:
    """Every file is what the manifest says, byte for byte, and stays inside the folder."""
    ready.mkdir()
    for name, expected in made.files.items():
        inside = PurePosixPath(name.removeprefix("home/"))
        if inside.is_absolute() or ".." in inside.parts or "\\" in name:
            raise manifest.unusable()
        target = ready / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, target.open("xb") as written:
            if manifest.copy(source, written) != expected:
                raise manifest.unusable()


def _verified(ready: Path, made: Manifest) -> Scan:
    """The audit log of what was unpacked ends where the manifest says."""
    engine = database.connect(f"sqlite:///{ready / OURS}")
    found = scan(engine)
    engine.dispose()
    if (found.lines, found.newest, found.hash) != (made.audit_lines, made.audit_newest, made.audit_hash):
        raise manifest.unusable()
    return found


def _has_room(made: Manifest, folder: Path) -> None:
    needed = sum(one.size for one in made.files.values()) + SPARE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NotReadyError(
            Message(
                "The restored console needs {needed} MB, and {path} has {free} MB left.",
                needed=needed // 1_000_000,
                free=free // 1_000_000,
                path=str(folder),
            ),
            Message("Free some space, or set SIGNALBOX_HOME to a folder on another disk."),
        )


@contextmanager
def _told(home: Path) -> Iterator[None]:
    try:
        yield
    except ConsoleError:
        raise
    except (OSError, sqlite3.OperationalError) as error:
        raise PlatformError(
            Message("The data folder {path} could not be restored: {reason}.", path=str(home), reason=_reason(error)),
            Message("Nothing was changed. Check the file, the free space and the permissions, then try again."),
        ) from error
    except DAMAGE as error:
        raise manifest.unusable() from error


def _reason(error: OSError | sqlite3.OperationalError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
