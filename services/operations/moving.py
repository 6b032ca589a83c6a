"""MLflow's store names absolute places of its files: when they move, it is told where they are now."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from services.operations import files

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
    ("trace_tags", "value"),
)
# Files of the experiment itself belong to one that has any of these.
USERS = ("runs", "trace_info", "logged_models")
# Not places: MLflow looks them up.
NAMES = ("models:", "runs:", "prompts:")


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


def outside(store: Path, home: str) -> list[str]:
    """Every place in use that the store names and that is not in the folder `home`, without those inside another one."""
    said = set[str]()
    with closing(files.sqlite(store, "ro")) as connection:
        for table, column in PLACES:
            if column in _columns(connection, table):
                said |= {row[0] for row in connection.execute(*_elsewhere(connection, table, column, home))}
    places = {one.rstrip("/") for one in said if "/" in one and not one.startswith(NAMES)}
    return sorted(one for one in places if not any(above in places for above in _above(one)))


def _elsewhere(connection: sqlite3.Connection, table: str, column: str, home: str) -> tuple[str, tuple[Any, ...]]:
    conditions, values = [f"{column} IS NOT NULL"], list[Any]()
    for inside in (f"{home}/", f"file://{quote(home)}/"):
        conditions.append(f"substr({column}, 1, ?) <> ?")
        values += [len(inside), inside]
    if table == "trace_tags":
        conditions.append("key = 'mlflow.artifactLocation'")
    if table == "experiments":  # one that never held anything has no files
        users = [one for one in USERS if _columns(connection, one)]
        conditions.append(f"experiment_id IN ({' UNION '.join(f'SELECT experiment_id FROM {one}' for one in users)})")
    return f"SELECT DISTINCT {column} FROM {table} WHERE {' AND '.join(conditions)}", tuple(values)


def _above(place: str) -> list[str]:
    parts = place.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _replace(connection: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    # Only what lies in the folder: the folder itself, or something behind its slash.
    connection.execute(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR substr({column}, 1, ?) = ?",
        (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
    )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
