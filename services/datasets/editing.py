"""Edits of a grid that shows only some of the rows: kept until they are saved, also when somebody else saves first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.datasets.checkup import normal
from services.datasets.row import Row

NEW = "new-"
LISTS = ("expected_facts", "guidelines")
CELLS = ("question", "expected", "critical", "topic", "language", "split", "expected_facts", "guidelines")
WORDS = ("question", "expected", "topic", "language", "split")


@dataclass(frozen=True)
class Edits:
    """What was typed and is not saved; `seen` are the edited rows as they were then."""

    changed: Mapping[str, Row] = field(default_factory=dict)
    seen: Mapping[str, Row] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    added: tuple[Row, ...] = ()

    @property
    def n(self) -> int:
        return len(self.changed) + len(self.deleted) + len(self.added)


@dataclass(frozen=True)
class Clash:
    """A question that two people changed: as it was, as it was saved meanwhile (None: deleted), and as typed here."""

    before: Row
    theirs: Row | None
    mine: Row | None


def fold(edits: Edits, shown: Sequence[Row], grid: Mapping[str, Any]) -> Edits:
    """The edits with what was changed in a grid of `shown` rows; a new line without a question is not one yet."""
    changed, seen, added = dict(edits.changed), dict(edits.seen), {row.id: row for row in edits.added}
    deleted = {shown[index].id for index in grid["deleted_rows"] if index < len(shown)}
    for index, cells in grid["edited_rows"].items():
        if int(index) >= len(shown):
            continue
        row = shown[int(index)]
        edited = replace(row, **_said(cells))
        if row.id in added:
            added[row.id] = edited
        elif edited != row:
            seen.setdefault(row.id, row)
            changed[row.id] = edited
    for cells in grid["added_rows"]:
        if cells.get("question") is not None:
            id = f"{NEW}{max([0, *(int(one.removeprefix(NEW)) for one in added)]) + 1}"
            added[id] = Row(id, **_said(cells))
    for id in deleted:
        seen.setdefault(id, next(row for row in shown if row.id == id))
        changed.pop(id, None)
    kept = tuple(row for id, row in added.items() if id not in deleted)
    old = frozenset(id for id in deleted if not id.startswith(NEW))
    return Edits(changed, seen, edits.deleted | old, kept)


def apply(rows: Sequence[Row], edits: Edits) -> list[Row]:
    """The rows as they would be saved; each keeps the id it had, so that what other tools noted stays with it."""
    here = {row.id for row in rows}
    kept = [_onto(row, edits) for row in rows if row.id not in edits.deleted]
    # An edited row that somebody deleted meanwhile comes back: nobody's typing is lost.
    lost = [row for id, row in edits.changed.items() if id not in here]
    return [*kept, *lost, *edits.added]


def clashes(rows: Sequence[Row], edits: Edits) -> list[Clash]:
    """The edited questions that are no longer as they were when they were edited."""
    now = {row.id: row for row in rows}
    return [
        Clash(before, now.get(id), edits.changed.get(id))
        for id, before in edits.seen.items()
        if now.get(id) != before and not (id in edits.deleted and id not in now)
    ]


def search(rows: Sequence[Row], words: str, only: str = "") -> list[Row]:
    """Rows that hold all the words somewhere; `only` may be critical, unanswered or conversation."""
    wanted = normal(words).split()
    kinds = {
        "critical": lambda row: row.critical,
        "unanswered": lambda row: not (row.expected or row.expected_facts),
        "conversation": lambda row: bool(row.messages),
    }
    fits = kinds.get(only, lambda row: True)
    return [row for row in rows if fits(row) and (not wanted or _holds(row, wanted))]


def _onto(row: Row, edits: Edits) -> Row:
    """The row as it is now with the cells that were typed; the others may have been changed by somebody else."""
    mine, before = edits.changed.get(row.id), edits.seen.get(row.id)
    if mine is None or before is None:
        return row
    typed = {name: getattr(mine, name) for name in CELLS if getattr(mine, name) != getattr(before, name)}
    return replace(row, **typed)


def _holds(row: Row, wanted: Sequence[str]) -> bool:
    text = normal(" ".join([row.question, row.expected, row.topic, row.language, row.split]))
    return all(word in text for word in wanted)


def _said(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a line as fields; an emptied one comes as nothing."""
    words = {name: str(cells[name] or "") for name in WORDS if name in cells}
    lists = {name: tuple(map(str, cells[name] or ())) for name in LISTS if name in cells}
    critical = {"critical": bool(cells["critical"])} if "critical" in cells else {}
    return {**words, **lists, **critical}
