"""The Delta table of one app in the data folder: its only writer holds a lock, and each commit carries its number.

The number (a transaction id of Delta's log) is the truth about how far the copying is: what was meant to be remembered with
a commit that never came is forgotten.
"""

import fcntl
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from services.archive import cursor, plan, schema
from services.errors import NotReadyError, PlatformError, translated
from services.messages import Message
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.workspace import Workspace

WRITER = "signalbox"
WRITING = Message("Copying traces to the archive")
VERSION_KEY = "signalbox.schema"
PACKED = WriterProperties(compression="ZSTD", compression_level=3)
# Another program may still be reading files that were replaced.
KEPT_FOR_READERS = timedelta(days=7)
CONFIGURATION = {
    # Minima and maxima of all other columns would keep people's words in the log, where no deletion reaches them.
    "delta.dataSkippingStatsColumns": "trace_id,time",
    VERSION_KEY: str(schema.VERSION),
}


@dataclass(frozen=True)
class Span:
    """From a quarter hour to before another, of one day of UTC: what one commit replaces."""

    day: date
    from_ms: int
    to_ms: int


def path(workspace: "Workspace") -> Path:
    """What other tools open."""
    return folder(workspace) / "traces"


def folder(workspace: "Workspace") -> Path:
    app = workspace.app
    return workspace.settings.home / "archive" / f"{app.id}-{app.experiment_id}"


def read(workspace: "Workspace") -> DeltaTable | None:
    """The table as it is now; None before its first row."""
    try:
        found = DeltaTable(str(path(workspace)))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise _damaged(workspace, error) from error
    known = int(found.metadata().configuration.get(VERSION_KEY, 0))
    if known > schema.VERSION:
        raise NotReadyError(
            Message("The archive of {app} was written by a newer version of this program.", app=workspace.app.name),
            Message("Update the program, then look again."),
        )
    return found


class Writing:
    """The table and the notes beside it, while nobody else may write to either."""

    def __init__(self, workspace: "Workspace", notes: sqlite3.Connection) -> None:
        self.workspace = workspace
        self.notes = notes
        self.table = read(workspace) or _create(workspace)
        cursor.settle(notes, self.number)
        if cursor.is_noted(notes, cursor.SWEEP):
            self.sweep()

    @property
    def number(self) -> int:
        """Of the newest commit that copied something."""
        return int(self.table.transaction_version(WRITER) or 0)

    def replace(self, held: Span, rows: Sequence[dict[str, Any]], prints: dict[int, str | None], keep: bool) -> None:
        """Make the table hold exactly `rows` there, in one commit; `keep`: also what MLflow has no more."""
        number = self.number + 1
        cursor.intend(self.notes, number, prints)
        commit = CommitProperties(app_transactions=[Transaction(WRITER, number)])
        if not self._empty(held.day):
            self._merge(held, schema.table_of(rows), commit, keep)
        elif rows:
            write_deltalake(
                self.table, schema.table_of(rows), mode="append", commit_properties=commit, writer_properties=PACKED
            )
        self.table.update_incremental()
        if self.number < number:  # nothing there differed: such a commit is not written
            cursor.intend(self.notes, self.number, prints)
        cursor.settle(self.notes, self.number)

    def drop(self, trace_ids: Sequence[str]) -> int:
        if not trace_ids:
            return 0
        listed = ", ".join("'" + one.replace("'", "''") + "'" for one in trace_ids)
        return int(self.table.delete(f"trace_id IN ({listed})", writer_properties=PACKED)["num_deleted_rows"])

    def forget(self, trace_ids: Sequence[str]) -> int:
        """Remove traces with every older file of theirs, now; also what an interrupted removal left."""
        cursor.note(self.notes, cursor.SWEEP, 1)
        gone = self.drop(trace_ids)
        self.sweep()
        return gone

    def unlearn(self, slots: Iterable[int]) -> None:
        """Have these quarter hours copied again by whoever looks next."""
        cursor.unlearn(self.notes, slots)

    def drop_before(self, day: date) -> int:
        """Remove whole days by age, with their files; returns how many traces they had."""
        if not files(self.table, before=day):
            return 0
        cursor.unlearn_before(self.notes, schema.start_of(day) // SLOT_MS)
        cursor.note(self.notes, cursor.SWEEP, 1)
        gone = self.table.delete(f"day < DATE '{day}'", writer_properties=PACKED)["num_deleted_rows"]
        self.sweep()
        return int(gone)

    def sweep(self) -> None:
        """Delete every file that the newest state does not need, whoever reads an older one."""
        self.table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
        cursor.note(self.notes, cursor.SWEEP, 0)

    def compact(self, day: date) -> None:
        self.table.optimize.compact(partition_filters=[("day", "=", str(day))], writer_properties=PACKED)

    def tidy(self) -> None:
        """Delete files that were replaced long ago, and what killed writers left."""
        self.table.vacuum(int(KEPT_FOR_READERS.total_seconds() // 3600), dry_run=False, full=True)

    def _empty(self, day: date) -> bool:
        return not files(self.table, on=day)

    def _merge(self, held: Span, source: pa.Table, commit: CommitProperties, keep: bool) -> None:
        there = f"t.day = DATE '{held.day}' AND t.time >= {_at(held.from_ms)} AND t.time < {_at(held.to_ms)}"
        merging = (
            self.table.merge(
                source,
                f"t.trace_id = s.trace_id AND {there}",
                source_alias="s",
                target_alias="t",
                commit_properties=commit,
                writer_properties=PACKED,
            )
            .when_matched_update_all(predicate="t.digest != s.digest")
            .when_not_matched_insert_all()
        )
        (merging if keep else merging.when_not_matched_by_source_delete(predicate=there)).execute()


@contextmanager
def locked(workspace: "Workspace") -> Iterator[None]:
    """Whoever else wants to write waits."""
    place = folder(workspace)
    with translated(WRITING):
        place.mkdir(parents=True, exist_ok=True)
        lock = (place / "writer.lock").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def opened(workspace: "Workspace") -> Iterator[Writing]:
    """The table for who holds the lock; raises NotReadyError rather than make a table that nobody wants any more."""
    if read(workspace) is None and not plan.load(workspace).on:
        raise NotReadyError(Message("Nothing is archived yet."), Message("Start the archive first."))
    try:
        with translated(WRITING), closing(cursor.connect(folder(workspace) / "followed.db")) as notes:
            yield Writing(workspace, notes)
    except DeltaError as error:
        raise _damaged(workspace, error) from error


@contextmanager
def writing(workspace: "Workspace") -> Iterator[Writing]:
    """Alone with the table; raises NotReadyError when it was deleted."""
    with locked(workspace), opened(workspace) as place:
        yield place


def discard(workspace: "Workspace") -> None:
    """Delete everything but the lock, for which others may wait; call it while it is locked."""
    shutil.rmtree(path(workspace), ignore_errors=True)
    for left in folder(workspace).glob("followed.db*"):
        left.unlink()


def files(table: DeltaTable, on: date | None = None, before: date | None = None) -> list[str]:
    """The files of one day, or of all days before one."""
    if on is not None:
        return table.file_uris(file_pruning_predicate=[("day", "=", on)])
    return table.file_uris(file_pruning_predicate=[("day", "<", before)])


def days(table: DeltaTable) -> list[date]:
    """The days that have files, oldest first."""
    return sorted(set(facts(table)["partition.day"].to_pylist()))


def count(table: DeltaTable) -> int:
    return sum(facts(table)["num_records"].to_pylist())


def facts(table: DeltaTable) -> pa.Table:
    """Each file of the newest state: how many rows and bytes, and from when to when."""
    return pa.table(table.get_add_actions(flatten=True))


def _create(workspace: "Workspace") -> DeltaTable:
    return DeltaTable.create(
        str(path(workspace)),
        schema=schema.SCHEMA,
        partition_by=["day"],
        name=f"Traces of {workspace.app.name}",
        description="Written by Signalbox; docs/archive.md tells the columns.",
        configuration=CONFIGURATION,
        raise_if_key_not_exists=False,
    )


def _at(ms: int) -> str:
    return f"to_timestamp_micros({ms * 1000})"


def _damaged(workspace: "Workspace", error: Exception) -> PlatformError:
    return PlatformError(
        Message("The archive of {app} cannot be read: {reason}", app=workspace.app.name, reason=str(error)[:300]),
        Message(
            "Look whether the disk is full. If files of the table were lost, delete the archive and start it again."
        ),
    )
