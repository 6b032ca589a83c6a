"""The read model's file: one per experiment in the data folder, derived, made again when it is missing or damaged."""

import fcntl
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from services.errors import NotReadyError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

log = logging.getLogger("signalbox.readmodel")

READING = Message("Reading the traces")
VERSION = 3
# The index of words gathers so many bytes before it writes a part, and merges parts when there are so many of a kind:
# a third less work than SQLite's own choice (1 MB, 4), and searches as fast.
GATHERED, PARTS = 16_000_000, 16
SUMS = """
CREATE TABLE {width}_sum (
    id INTEGER PRIMARY KEY, slot INTEGER, dim INTEGER, n INTEGER, timed INTEGER, tokens_in INTEGER, tokens_out INTEGER, tokens INTEGER,
    cost INTEGER, costed INTEGER, streamed INTEGER, sketch BLOB, first BLOB);
CREATE TABLE {width}_score (
    slot INTEGER, dim INTEGER, kind TEXT, name TEXT, n INTEGER, total REAL, judged INTEGER, passed INTEGER,
    every_n INTEGER, every_value INTEGER, every_total REAL, PRIMARY KEY (slot, dim, kind, name)) WITHOUT ROWID;
"""
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE slot (slot INTEGER PRIMARY KEY, print TEXT NOT NULL);
CREATE TABLE dim (id INTEGER PRIMARY KEY, origin TEXT, model_id TEXT, prompt TEXT, state TEXT,
    UNIQUE (origin, model_id, prompt, state));
CREATE TABLE trace (id INTEGER PRIMARY KEY, trace_id TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL, dim INTEGER NOT NULL,
    origin TEXT NOT NULL, state TEXT NOT NULL, model_id TEXT NOT NULL, millis INTEGER, tokens INTEGER, prompts TEXT NOT NULL,
    user TEXT NOT NULL, session TEXT NOT NULL);
CREATE INDEX trace_origin ON trace (origin);
CREATE INDEX trace_state ON trace (state) WHERE state != 'OK';
CREATE INDEX trace_model ON trace (model_id);
CREATE INDEX trace_user ON trace (user) WHERE user != '';
CREATE INDEX trace_session ON trace (session) WHERE session != '';
CREATE TABLE said (id INTEGER PRIMARY KEY, question TEXT NOT NULL, answer TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(question, answer, content='', tokenize='trigram');
INSERT INTO words (words, rank) VALUES ('hashsize', {GATHERED}), ('automerge', {PARTS});
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
CREATE TABLE used (prompt TEXT, id INTEGER, PRIMARY KEY (prompt, id)) WITHOUT ROWID;
CREATE TABLE mark (id INTEGER, position INTEGER, name TEXT, kind TEXT, value REAL, binary INTEGER, failed INTEGER,
    newest INTEGER, person TEXT, PRIMARY KEY (id, position)) WITHOUT ROWID;
CREATE INDEX mark_found ON mark (kind, name, value, id) WHERE newest;
{SUMS.format(width="quarter")}
{SUMS.format(width="hour")}
PRAGMA user_version = {VERSION};
"""


def path(workspace: "Workspace") -> Path:
    return workspace.settings.home / "readmodel" / f"{workspace.app.experiment_id}.db"


@contextmanager
def reading(workspace: "Workspace") -> Iterator[sqlite3.Connection]:
    """One consistent look at the file; raises NotReadyError while nothing was read from MLflow yet."""
    target = path(workspace)
    if not target.exists():
        raise _not_read(workspace)
    with _noticed(workspace), closing(_connect(target)) as connection:
        if _version(connection) != VERSION:
            raise _not_read(workspace)
        connection.execute("BEGIN")
        yield connection


@contextmanager
def writing(workspace: "Workspace", wait: bool = True) -> Iterator[sqlite3.Connection | None]:
    """The file for the only one who may fill it; None when someone else does and `wait` is off."""
    target = path(workspace)
    with translated(READING):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = target.with_suffix(".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        with _noticed(workspace), closing(_ready(target)) as connection:
            yield connection


def discard(workspace: "Workspace") -> None:
    """Have the file made again by the next who may fill it."""
    target = path(workspace)
    target.parent.mkdir(parents=True, exist_ok=True)
    _spoilt(target).touch()


@contextmanager
def _noticed(workspace: "Workspace") -> Iterator[None]:
    """Damage may lie deep in the file: whoever meets it has the file made again. A full disk is told as one."""
    try:
        with translated(READING):
            yield
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:  # a mistake in what was asked
            raise
        log.warning("the read model %s is damaged (%s) and is made again", path(workspace), error)
        discard(workspace)
        raise _not_read(workspace) from error


def _not_read(workspace: "Workspace") -> NotReadyError:
    return NotReadyError(
        Message("The traces of {app} have not been read yet.", app=workspace.app.name),
        Message("Wait some seconds. If it stays, look at the job “Reading traces for the charts” on the Jobs screen."),
    )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, also when the process is killed."""
    connection.execute("BEGIN IMMEDIATE")
    whole = False
    try:
        yield
        whole = True
    finally:
        if whole:
            connection.execute("COMMIT")
        elif connection.in_transaction:  # where the disk is full, SQLite has taken it back itself
            connection.execute("ROLLBACK")


def meta(connection: sqlite3.Connection, key: str, default: int = 0) -> int:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return default if found is None else int(found[0])


def remember(connection: sqlite3.Connection, key: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _ready(target: Path) -> sqlite3.Connection:
    """A file of this program's shape: what is damaged, or another program's, is derived and goes."""
    if not _spoilt(target).exists():
        try:
            connection = _connect(target, create=True)
            if _version(connection) == VERSION:
                return connection
            connection.close()
        except sqlite3.OperationalError:  # busy, or the disk is full: nothing is wrong with the file
            raise
        except sqlite3.DatabaseError as error:
            log.warning("the read model %s is damaged (%s) and is made again", target, error)
    _unlink(target)
    connection = _connect(target, create=True)
    connection.executescript(f"BEGIN;{SCHEMA}COMMIT;")
    _spoilt(target).unlink(missing_ok=True)
    return connection


def _spoilt(target: Path) -> Path:
    """The mark that the file beside it is to be made again."""
    return target.with_suffix(".spoilt")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _connect(target: Path, create: bool = False) -> sqlite3.Connection:
    mode = "rwc" if create else "rw"
    address = f"file:{quote(str(target))}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, timeout=20, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA cache_size=-32000")
    connection.execute("PRAGMA mmap_size=1073741824")
    return connection


def _unlink(target: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
