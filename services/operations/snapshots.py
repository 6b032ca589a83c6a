"""Copies of databases that others write to, each as it was at one moment."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

from services.operations import files


def taken(stores: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Each database as it was at one moment: all moments are set first, so that they lie milliseconds apart."""
    with ExitStack() as opened:
        sources = {name: opened.enter_context(closing(_at_one_moment(file))) for name, file in stores.items()}
        for name, source in sources.items():
            with closing(sqlite3.connect(folder / name)) as copy:
                source.backup(copy)
    return {name: folder / name for name in stores}


def in_one_file(copies: Iterable[Path]) -> None:
    """Without a log beside them."""
    for copy in copies:
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")


def _at_one_moment(file: Path) -> sqlite3.Connection:
    source = files.sqlite(file, "rw")
    source.isolation_level = None
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return source
