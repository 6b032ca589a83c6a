"""Files as these commands handle them: SQLite by its path, and a finished file under its name for good."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote


def sqlite(file: Path, mode: str, timeout: float = 20) -> sqlite3.Connection:
    """Open a database that exists (`ro` leaves no file beside it, `rw` also writes), whatever signs its path has."""
    still = "&immutable=1" if mode == "ro" and _rests(file) else ""
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode={mode}{still}", uri=True, timeout=timeout)


def _rests(file: Path) -> bool:
    """Whether a database with a write-ahead log is open nowhere: a plain look would leave one beside it."""
    if not file.is_file() or file.with_name(f"{file.name}-wal").exists():
        return False
    with file.open("rb") as opened:
        return opened.read(20)[18:20] == b"\x02\x02"


def settle(part: Path, target: Path) -> None:
    """Give a finished file its name, so that a power cut leaves it there; raises FileExistsError rather than overwrite."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(str(target)) from None
        part.rename(target)
    else:
        part.unlink()
    _flush(target.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
