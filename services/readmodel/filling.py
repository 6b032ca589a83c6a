"""Fills the file from MLflow: a quarter hour is replaced as a whole, with what tells it apart, in one transaction.

So a filling that is killed leaves each quarter hour either as it was or as it is in MLflow, and reading one again changes
nothing: no trace can be counted twice or forgotten.
"""

import json
import sqlite3
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from services.readmodel import following, source, sums
from services.readmodel.facts import SLOT_MS, Fact
from services.readmodel.file import transaction
from services.readmodel.following import RECENT, Look

if TYPE_CHECKING:
    from services.workspace import Workspace

SMALL = 20_000
# Quarter hours that are read together: as many as hold some thousand traces, so that little is held in memory.
FIRST, MOST, FEW = 16, 384, 2_000
# Two marks after each text, so that its last two letters begin a trigram too: short words are found by how trigrams begin.
END = "\x03\x03"
ID_BITS = 20
MANY = 500


def look(workspace: "Workspace", connection: sqlite3.Connection) -> Look:
    return following.look(workspace, connection, _is_small(connection))


def glance(workspace: "Workspace", connection: sqlite3.Connection) -> Look:
    """What a screen may wait for: where changes are not told, reading everything is for the job."""
    now = following.now()
    return look(workspace, connection) if source.of(workspace).tells_changes else Look(now, now - RECENT)


def fill(
    workspace: "Workspace",
    connection: sqlite3.Connection,
    until: Callable[[int, int], bool],
    wanted: Look | None = None,
) -> int:
    """Bring the file up to date, newest first; `until(done, waiting)` may end it. Returns how many quarters still wait."""
    following.at_places(workspace, connection)
    wanted = wanted or look(workspace, connection)
    due = following.due(workspace, connection, wanted)
    waiting, total = due.slots, len(due.slots)
    at_once = FIRST
    while waiting:
        batch = _neighbours(waiting, at_once)
        many = _replace(workspace, connection, batch, due.prints)
        at_once = min(at_once * 2, MOST) if many < FEW else max(at_once // 2, 1)
        waiting = waiting[len(batch) :]
        if waiting and until(total - len(waiting), total):
            break
    if not waiting:
        following.done(connection, wanted)
    return len(waiting)


def _neighbours(slots: Sequence[int], most: int) -> list[int]:
    """The first of these quarter hours, and those that follow it closely."""
    return [slot for slot in slots[:most] if slots[0] - slot < 2 * most]


def _is_small(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT count(*) FROM (SELECT 1 FROM trace LIMIT ?)", (SMALL,)).fetchone()[0] < SMALL


def _replace(
    workspace: "Workspace", connection: sqlite3.Connection, slots: list[int], prints: Mapping[int, str]
) -> int:
    """Read these quarter hours, and keep what they hold; returns how many traces that are."""
    read = source.of(workspace).facts(workspace, slots[-1] * SLOT_MS, (slots[0] + 1) * SLOT_MS)
    by_slot: dict[int, list[Fact]] = defaultdict(list)
    for fact in read:
        # In the practice copy of a rehearsal every chart is of what is asked for practice.
        practised = fact.origin == workspace.app.traffic != "live"
        by_slot[fact.slot].append(replace(fact, origin="live") if practised else fact)
    with transaction(connection):
        keep(connection, {slot: by_slot[slot] for slot in slots}, prints)
    return len(read)


def keep(connection: sqlite3.Connection, held: Mapping[int, Sequence[Fact]], prints: Mapping[int, str]) -> None:
    """Make each of these quarter hours hold exactly its traces, and its sums and those of its hour; in a transaction.

    `prints` tells what each was when it was read; MLflow has nothing any more where it is silent.
    """
    known = _known(connection, held)
    wanted = {fact.trace_id: fact for facts in held.values() for fact in facts}
    whose = dims(connection, wanted.values())
    digests = {id: fact.digest for id, fact in wanted.items()}
    changed = {id: fact for id, fact in wanted.items() if known.get(id, (0, None))[1] != digests[id]}
    for gone in known.keys() - wanted.keys() | known.keys() & changed.keys():
        forget(connection, known[gone][0])
    _leave_other_slots(connection, list(changed.keys() - known.keys()))
    taken = {id for id, _digest in known.values()}
    numbered = [(_id(one, known, taken), one) for one in changed.values()]
    # Full-text search writes what it has gathered to the file whenever a number is smaller than the one before.
    _add(connection, sorted(numbered, key=lambda new: new[0]), whose, digests)
    sums.keep(connection, held, whose)
    following.seen(connection, {slot: _seen(prints.get(slot), facts) for slot, facts in held.items()})


def _known(connection: sqlite3.Connection, slots: Iterable[int]) -> dict[str, tuple[int, int]]:
    """The number and the digest of every trace that stands in these quarter hours."""
    query = "SELECT trace_id, id, digest FROM trace WHERE id >= ? AND id < ?"
    ranges = ((slot * SLOT_MS << ID_BITS, (slot + 1) * SLOT_MS << ID_BITS) for slot in slots)
    return {row[0]: row[1:] for ids in ranges for row in connection.execute(query, ids).fetchall()}


def _seen(print: str | None, facts: Sequence[Fact]) -> str | None:
    """A quarter hour of which something may still arrive is read again."""
    return "" if print is not None and following.unsettled(facts) else print


def forget(connection: sqlite3.Connection, id: int) -> None:
    """Remove one trace's lines, words and all; the sums are the caller's."""
    said = connection.execute("SELECT question, answer FROM said WHERE id = ?", (id,)).fetchone()
    if said:
        _unsay(connection, id, said)
    for name in ("said", "used", "mark", "trace"):
        connection.execute(f"DELETE FROM {name} WHERE id = ?", (id,))


def forget_all(workspace: "Workspace", connection: sqlite3.Connection, trace_ids: Sequence[str]) -> int:
    """Read the quarter hours of these traces again, from which MLflow has dropped them; returns how many were here."""
    held = f"SELECT id FROM trace WHERE trace_id IN ({', '.join('?' * len(trace_ids))})"
    ids = [id for (id,) in connection.execute(held, trace_ids)]
    for slot in {(id >> ID_BITS) // SLOT_MS for id in ids}:
        _replace(workspace, connection, [slot], {slot: ""})
    return len(ids)


def folded(text: str) -> str:
    """One spelling for what looks alike: wide and narrow letters, half-width kana."""
    return unicodedata.normalize("NFKC", text)


def _add(
    connection: sqlite3.Connection, new: list[tuple[int, Fact]], dims: Mapping[str, int], digests: Mapping[str, int]
) -> None:
    rows = [_row(id, one, dims[one.trace_id], digests[one.trace_id]) for id, one in new]
    connection.executemany(f"INSERT INTO trace VALUES (?{', ?' * 11})", rows)
    connection.executemany("INSERT INTO said VALUES (?, ?, ?)", [(id, one.question, one.answer) for id, one in new])
    words = [(id, folded(one.question) + END, folded(one.answer) + END) for id, one in new]
    connection.executemany("INSERT INTO words (rowid, question, answer) VALUES (?, ?, ?)", words)
    used = {("/".join(map(str, prompt)), id) for id, one in new for prompt in one.prompts}
    connection.executemany("INSERT INTO used VALUES (?, ?)", sorted(used))
    marks = [
        (id, position, mark.name, mark.kind, mark.value, mark.binary, mark.failed, mark.newest, mark.person)
        for id, one in new
        for position, mark in enumerate(one.marks)
    ]
    connection.executemany(f"INSERT INTO mark VALUES (?{', ?' * 8})", marks)


def _row(id: int, fact: Fact, dim: int, digest: int) -> tuple[object, ...]:
    prompts = json.dumps(fact.prompts, ensure_ascii=False)
    known = (digest, dim, fact.origin, fact.state, fact.model_id, fact.millis, fact.tokens)
    return (id, fact.trace_id, *known, prompts, fact.user, fact.session)


def _unsay(connection: sqlite3.Connection, id: int, said: tuple[str, str]) -> None:
    words = (id, folded(said[0]) + END, folded(said[1]) + END)
    connection.execute("INSERT INTO words (words, rowid, question, answer) VALUES ('delete', ?, ?, ?)", words)


def _leave_other_slots(connection: sqlite3.Connection, trace_ids: list[str]) -> None:
    """Traces whose time was changed: where they stood is read again."""
    for start in range(0, len(trace_ids), MANY):
        some = trace_ids[start : start + MANY]
        held = f"SELECT id FROM trace WHERE trace_id IN ({', '.join('?' * len(some))})"
        for (id,) in connection.execute(held, some).fetchall():
            forget(connection, id)
            connection.execute("UPDATE slot SET print = '' WHERE slot = ?", ((id >> ID_BITS) // SLOT_MS,))


def _id(fact: Fact, known: Mapping[str, tuple[int, int]], taken: set[int]) -> int:
    """A number that sorts as the traces' times do, so that every list and index is in their order."""
    before = known.get(fact.trace_id, (0, 0))[0]
    if before >> ID_BITS == fact.at:
        return before
    id = (fact.at << ID_BITS) + int.from_bytes(fact.trace_id.encode()[-8:]) % (1 << (ID_BITS - 1))
    while id in taken:
        id += 1
    taken.add(id)
    return id


def dims(connection: sqlite3.Connection, facts: Iterable[Fact]) -> dict[str, int]:
    """Each trace's dimension: whose it is and how it ended."""
    numbers: dict[tuple[str, ...], int] = {}
    found = {}
    for fact in facts:
        key = (fact.origin, fact.model_id, fact.prompt, fact.state)
        if key not in numbers:
            numbers[key] = _dim(connection, key)
        found[fact.trace_id] = numbers[key]
    return found


def _dim(connection: sqlite3.Connection, key: tuple[str, ...]) -> int:
    query = "SELECT id FROM dim WHERE origin = ? AND model_id = ? AND prompt = ? AND state = ?"
    found = connection.execute(query, key).fetchone()
    if found:
        return int(found[0])
    made = connection.execute("INSERT INTO dim (origin, model_id, prompt, state) VALUES (?, ?, ?, ?)", key)
    return int(made.lastrowid or 0)
