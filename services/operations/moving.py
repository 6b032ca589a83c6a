"""MLflow's store names absolute places of its files: when they move, it is told where they are now."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
    ("trace_tags", "value"),
)


def rewrite(store: Path, before: str, after: str) -> None:
    """Every place under the folder `before` becomes the same place under `after`; nothing happens without a store."""
    if before == after or not store.is_file():
        return
    with closing(sqlite3.connect(store)) as connection:
        there = {(table, column) for table, column in PLACES if column in _columns(connection, table)}
        for table, column in PLACES:
            if (table, column) in there:
                for old, new in ((before, after), (f"file://{quote(before)}", f"file://{quote(after)}")):
                    _replace(connection, table, column, old, new)
        connection.commit()


def _replace(connection: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    # Only what lies in the folder: the folder itself, or something behind its slash.
    connection.execute(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR substr({column}, 1, ?) = ?",
        (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
    )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
