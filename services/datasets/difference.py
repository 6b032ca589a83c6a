"""What changed between two versions of a dataset, cell by cell."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.datasets.row import Row

CELLS = ("question", "expected", "critical", "topic", "language", "split", "expected_facts", "guidelines")
REWORDED = 0.6
MOST_COMPARED = 200


@dataclass(frozen=True)
class Cell:
    """One cell that changed, as text."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Changed:
    """A row that both versions have, or one that was only reworded."""

    row: Row
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Difference:
    added: tuple[Row, ...]
    removed: tuple[Row, ...]
    changed: tuple[Changed, ...]
    same: int


def between(before: Iterable[Row], after: Iterable[Row]) -> Difference:
    """What makes `after` out of `before`; the order of rows does not count."""
    old, new = ({row.id: row for row in rows} for rows in (before, after))
    removed = [row for id, row in old.items() if id not in new]
    added = [row for id, row in new.items() if id not in old]
    both = [(old[id], row) for id, row in new.items() if id in old]
    reworded = _reworded(removed, added)
    gone, come = {one.id for one, _other in reworded}, {other.id for _one, other in reworded}
    changed = [Changed(b, cells) for a, b in [*reworded, *both] if (cells := _cells(a, b))]
    return Difference(
        added=tuple(row for row in added if row.id not in come),
        removed=tuple(row for row in removed if row.id not in gone),
        changed=tuple(changed),
        same=len(both) + len(reworded) - len(changed),
    )


def text(value: object) -> str:
    """A cell as text; a list one item per line."""
    if isinstance(value, tuple):
        return "\n".join(map(str, value))
    return "✓" if value is True else "" if value in (False, None) else str(value)


def _reworded(removed: Sequence[Row], added: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs of a row that went and the one that came in its place, if their words are mostly the same."""
    left, pairs = list(added[:MOST_COMPARED]), []
    for row in removed[:MOST_COMPARED]:
        likeness = {other.id: _likeness(row, other) for other in left}
        best = max(left, key=lambda other: likeness[other.id], default=None)
        if best is not None and likeness[best.id] >= REWORDED:
            pairs.append((row, best))
            left.remove(best)
    return pairs


def _likeness(one: Row, other: Row) -> float:
    matcher = difflib.SequenceMatcher(None, one.question[:500], other.question[:500], autojunk=False)
    return 0.0 if matcher.real_quick_ratio() < REWORDED or matcher.quick_ratio() < REWORDED else matcher.ratio()


def _cells(before: Row, after: Row) -> tuple[Cell, ...]:
    found = ((name, text(getattr(before, name)), text(getattr(after, name))) for name in CELLS)
    return tuple(Cell(name, was, now) for name, was, now in found if was != now)
