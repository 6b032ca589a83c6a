"""The rows of the index in the console's database, and who may overwrite them: the look that began last."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, insert, select, update

from services.database import prompt_entry, prompt_index, prompt_label, prompt_words, writing
from services.prompts import PromptVersion
from services.prompts.content import TITLE
from services.prompts.library import words
from services.prompts.library.seen import Seen
from services.prompts.library.words import Line

if TYPE_CHECKING:
    from services.workspace import Workspace

SOON = datetime.fromtimestamp(0, UTC)
FEW = 100
TABLES = (prompt_entry, prompt_label, prompt_words)


@dataclass(frozen=True)
class Reading:
    """What was read of one prompt: every version from `lowest` on; of the older ones, what is known stays."""

    seen: Seen
    versions: Sequence[PromptVersion]
    lowest: int
    complete: bool

    @property
    def newest(self) -> PromptVersion | None:
        return max(self.shown, key=lambda one: one.version, default=None)

    @property
    def shown(self) -> list[PromptVersion]:
        """Without the trash, but with what answers people."""
        return [one for one in self.versions if one.live or not one.trashed]


def cursor(workspace: "Workspace") -> Row[Any] | None:
    """How far the index follows the audit log, and when every prompt was looked at; None before the first look."""
    with workspace.engine.connect() as connection:
        return connection.execute(select(prompt_index).where(_of(workspace, prompt_index))).one_or_none()


def names(workspace: "Workspace") -> set[str]:
    with workspace.engine.connect() as connection:
        return set(connection.execute(select(prompt_entry.c.name).where(_of(workspace, prompt_entry))).scalars())


def count(workspace: "Workspace") -> int:
    with workspace.engine.connect() as connection:
        query = select(func.count()).select_from(prompt_entry).where(_of(workspace, prompt_entry))
        return int(connection.execute(query).scalar_one())


def fingerprints(workspace: "Workspace", wanted: Iterable[str]) -> dict[str, str]:
    """What each of the prompts looked like when it was read."""
    query = select(prompt_entry.c.name, prompt_entry.c.fingerprint).where(_of(workspace, prompt_entry))
    asked = list(wanted)
    if len(asked) <= FEW:
        query = query.where(prompt_entry.c.name.in_(asked))
    with workspace.engine.connect() as connection:
        return {row.name: row.fingerprint for row in connection.execute(query)}


def newest(workspace: "Workspace", wanted: Collection[str]) -> dict[str, int]:
    """The newest version of each of these few prompts as the index knows it."""
    query = select(prompt_entry.c.name, prompt_entry.c.newest).where(_of(workspace, prompt_entry))
    with workspace.engine.connect() as connection:
        rows = connection.execute(query.where(prompt_entry.c.name.in_(wanted)))
        return {row.name: row.newest for row in rows if row.newest is not None}


def unread(workspace: "Workspace") -> list[str]:
    """The prompts of which older versions are unknown, or may have changed."""
    missing = prompt_entry.c.read_at.is_(None) | (prompt_entry.c.read_at == SOON)
    with workspace.engine.connect() as connection:
        query = select(prompt_entry.c.name).where(_of(workspace, prompt_entry), missing)
        return list(connection.execute(query).scalars())


def oldest(workspace: "Workspace", most: int) -> list[str]:
    """The prompts that were read to their end longest ago."""
    query = select(prompt_entry.c.name).where(_of(workspace, prompt_entry)).order_by(prompt_entry.c.read_at)
    with workspace.engine.connect() as connection:
        return list(connection.execute(query.limit(most)).scalars())


def pointers(workspace: "Workspace") -> dict[str, int]:
    """Where `production` points, as the last look saw it, for the prompts that have it."""
    query = select(prompt_entry.c.name, prompt_entry.c.live).where(_of(workspace, prompt_entry))
    with workspace.engine.connect() as connection:
        return {row.name: row.live for row in connection.execute(query) if row.live is not None}


def forget(workspace: "Workspace") -> None:
    """Empty the index of the app; the next look fills it again."""
    with writing(workspace.engine) as connection:
        for table in (*TABLES, prompt_index):
            connection.execute(delete(table).where(_of(workspace, table)))


def put(
    workspace: "Workspace",
    readings: Sequence[Reading],
    gone: Collection[str],
    begun: datetime,
    event_id: int | None = None,
    looked_at: datetime | None = None,
) -> None:
    """Write what was read by a look that began at `begun`; what a later look has written stays."""
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        before = _entries(connection, workspace, [*gone, *(one.seen.name for one in readings)])
        newer = {name for name, row in before.items() if row.looked_at > begun}
        for name in set(gone) - newer:
            _remove(connection, workspace, name)
        for one in readings:
            if one.seen.name not in newer:
                _replace(connection, workspace, one, begun, before.get(one.seen.name))
        _advance(connection, workspace, event_id, looked_at)


def _replace(
    connection: Connection, workspace: "Workspace", one: Reading, begun: datetime, before: Row[Any] | None
) -> None:
    key = {"app_id": workspace.app.id, "name": one.seen.name}
    lines = [line for version in one.shown for line in words.of_version(version)]
    if not one.complete:
        lines += [line for line in _lines(connection, workspace, one.seen.name) if line.version < one.lowest]
    lines = [Line(0, one.seen.name), *words.distinct(lines)]
    _remove(connection, workspace, one.seen.name)
    joined = before is not None and before.read_at is not None and one.lowest <= (before.newest or 0) + 1
    read_at = begun if one.complete else SOON if joined else None
    connection.execute(insert(prompt_entry).values(**key, **_entry(one), looked_at=begun, read_at=read_at))
    labels = one.newest.content.labels if one.newest else {}
    shown = [{**key, "key": label, "value": value} for label, value in labels.items() if label != TITLE]
    if shown:
        connection.execute(insert(prompt_label), shown)
    said = "\n".join(words.fold(line.text) for line in lines)
    written = [[line.version, line.text] for line in lines]
    connection.execute(insert(prompt_words).values(**key, words=said, lines=written))


def _entry(one: Reading) -> dict[str, Any]:
    newest = one.newest
    return {
        "fingerprint": one.seen.fingerprint,
        "archived": one.seen.archived,
        "trashed": one.seen.trashed,
        "live": one.seen.live,
        "newest": newest.version if newest else None,
        "title": newest.title if newest else "",
        "author": newest.writer if newest else "",
        "written_at": newest.created_at if newest else None,
    }


def _entries(connection: Connection, workspace: "Workspace", wanted: Collection[str]) -> dict[str, Row[Any]]:
    query = select(prompt_entry).where(_of(workspace, prompt_entry))
    if len(wanted) <= FEW:
        query = query.where(prompt_entry.c.name.in_(wanted))
    return {row.name: row for row in connection.execute(query)}


def _lines(connection: Connection, workspace: "Workspace", name: str) -> list[Line]:
    query = select(prompt_words.c.lines).where(_of(workspace, prompt_words), prompt_words.c.name == name)
    return [Line(*line) for line in connection.execute(query).scalar() or () if line[0]]


def _remove(connection: Connection, workspace: "Workspace", name: str) -> None:
    for table in TABLES:
        connection.execute(delete(table).where(_of(workspace, table), table.c.name == name))


def _advance(connection: Connection, workspace: "Workspace", event_id: int | None, looked_at: datetime | None) -> None:
    """Move the cursors, never back."""
    mine = _of(workspace, prompt_index)
    before = connection.execute(select(prompt_index).where(mine)).one_or_none()
    if before is not None:
        moved = {"event_id": max(event_id or 0, before.event_id), "looked_at": max(looked_at or SOON, before.looked_at)}
        connection.execute(update(prompt_index).where(mine).values(moved))
    elif event_id is not None and looked_at is not None:
        row = {"app_id": workspace.app.id, "event_id": event_id, "looked_at": looked_at}
        connection.execute(insert(prompt_index).values(row))


def _of(workspace: "Workspace", table: Table) -> ColumnElement[bool]:
    return table.c.app_id == workspace.app.id
