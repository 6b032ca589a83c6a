"""A backup becomes a data folder again: checked whole beside it first, then put in its place in one move."""

import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from services import database
from services.audit.chain import Scan, scan
from services.errors import ConflictError, ConsoleError, NotReadyError, PlatformError
from services.messages import Message
from services.operations import manifest, moving
from services.operations.backup import MLFLOW, OURS
from services.operations.manifest import Manifest
from services.processes.lock import held
from services.settings import Settings

SPARE = 50_000_000
LARGEST_MANIFEST = 100_000_000


@dataclass(frozen=True)
class Restored:
    """What was put in place, and what reading the restored audit log found."""

    home: Path
    manifest: Manifest
    found: Scan


def run(settings: Settings, file: Path) -> Restored:
    """Restore `file` into the data folder, which must be empty; nothing changes there before everything was checked.

    Raises ConflictError for a folder in use, InvalidInputError for a damaged backup, NotReadyError without room.
    """
    home = settings.home
    _must_be_empty(home)
    with _told(home):
        home.parent.mkdir(parents=True, exist_ok=True)
        with (
            zipfile.ZipFile(file) as archive,
            tempfile.TemporaryDirectory(prefix=f".{home.name}-", suffix=".part", dir=home.parent) as folder,
        ):
            made = _manifest(archive)
            _has_room(made, home.parent)
            ready = Path(folder) / "home"
            _unpack(archive, made, ready)
            moving.rewrite(ready / MLFLOW, made.home, str(home))
            found = _verified(ready, made)
            _must_be_empty(home)
            ready.chmod(0o700)
            os.replace(ready, home)  # an empty folder is replaced in the same step
    return Restored(home, made, found)


def _must_be_empty(home: Path) -> None:
    if held(home / "run" / "web.lock") or (home.exists() and any(home.iterdir())):
        raise ConflictError(
            Message("The data folder {path} is not empty.", path=str(home)),
            Message("A restore never overwrites: set SIGNALBOX_HOME to a new folder, or move the old one away."),
        )


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    names = archive.namelist()
    if manifest.NAME not in names or archive.getinfo(manifest.NAME).file_size > LARGEST_MANIFEST:
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
    with closing(sqlite3.connect(ready / OURS)) as connection:
        # Processes of another machine or time: the gateway starts what is wanted anew.
        connection.execute("UPDATE served SET pid = NULL, port = NULL")
        connection.commit()
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
    except (zipfile.BadZipFile, EOFError, sqlite3.DatabaseError) as error:
        raise manifest.unusable() from error
    except OSError as error:
        raise PlatformError(
            Message("The data folder {path} could not be restored: {reason}.", path=str(home), reason=error.strerror or str(error)),
            Message("Nothing was changed. Check the file, the free space and the permissions, then try again."),
        ) from error  # fmt: skip
