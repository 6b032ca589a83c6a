"""Which files a backup holds beside the databases: those of the data folder, and those outside that MLflow names."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.audit import verifying
from services.operations import manifest, moving
from services.settings import Settings

OURS, MLFLOW = "signalbox.db", "mlflow.db"
PART = ".part"
# The read model is made again from MLflow; logs, locks and copies from before an update are of this machine.
DERIVED = frozenset({"run", "logs", "readmodel", verifying.BACKUPS})
DERIVED_ENDINGS = (".lock", "-wal", "-shm")
OUTSIDE = "elsewhere"


@dataclass(frozen=True)
class Places:
    """Where MLflow's files lie outside the data folder: `packed` by their name in the backup, and what is `missing`."""

    packed: dict[str, Path]
    missing: tuple[str, ...]


def places(settings: Settings, store: Path | None) -> Places:
    """The places that the store names outside the data folder, each once."""
    if store is None or not store.is_file():
        return Places({}, ())
    packed, missing = dict[str, Path](), list[str]()
    for said in moving.outside(store, str(settings.home)):
        place = _local(said)
        if place is None or not place.exists() or settings.home.is_relative_to(place):
            missing.append(said)
        elif not any(place.is_relative_to(other) for other in packed.values()):
            packed[_name(settings.home, sha256(str(place).encode()).hexdigest()[:12])] = place
    return Places(packed, tuple(missing))


def found(settings: Settings, outside: Places) -> Iterator[tuple[str, Path]]:
    """Name and file. A Delta table's log goes first: what it names is there for longer."""
    home, roles = settings.home, settings.roles_file
    mine = [file for root in _roots(home) for file in root.rglob("*") if _wanted(file, home)]
    for file in sorted(mine, key=lambda one: ("_delta_log" not in one.parts, one)):
        yield f"home/{file.relative_to(home).as_posix()}", file
    for name, place in outside.packed.items():
        for file in [place] if place.is_file() else sorted(filter(_plain, place.rglob("*"))):
            yield (name if file == place else f"{name}/{file.relative_to(place).as_posix()}"), file
    if roles is not None and roles.resolve() not in {file.resolve() for file in mine}:
        yield _name(home, "roles.toml"), roles


def _roots(home: Path) -> list[Path]:
    """The data folder, and folders of it that lie on another disk."""
    linked = [one for one in (*home.glob("*"), *home.glob("*/*")) if one.is_symlink() and one.is_dir()]
    return [home, *(one for one in linked if not home.resolve().is_relative_to(one.resolve()))]


def _wanted(file: Path, home: Path) -> bool:
    inside = file.relative_to(home)
    if not _plain(file) or (len(inside.parts) == 1 and file.suffix == ".db") or inside.parts[0] in DERIVED:
        return False
    if file.name.endswith(DERIVED_ENDINGS) or any(part.endswith(PART) for part in inside.parts):
        return False
    return not (file.suffix == ".zip" and _is_backup(file))


def _plain(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _is_backup(file: Path) -> bool:
    """An earlier backup that somebody keeps in the data folder: one in another would double the size each time."""
    try:
        with zipfile.ZipFile(file) as archive:
            return {manifest.NAME, OURS} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _name(home: Path, beginning: str) -> str:
    """A name in the backup whose place in the data folder is free."""
    name, n = f"{OUTSIDE}/{beginning}", 2
    while (home / name).exists():
        name, n = f"{OUTSIDE}/{n}-{beginning}", n + 1
    return f"home/{name}"


def _local(said: str) -> Path | None:
    parts = urlsplit(said)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(said) if said.startswith("/") else None
