"""What changed between two versions of a dataset, cell by cell."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.datasets.row import Row

CELLS = ("question", "expected", "critical", "topic", "language", "split", "expected_facts", "guidelines")
REWORDED = 0.6
ALIKE = 0.2
RUNS = (2, 8)
MOST_COMPARED = 200
LONGEST_COMPARED = 300
# Comparing letter by letter is slow: only the likeliest of the others, and so many pairs at most.
CANDIDATES = 2
MOST_RATIOS = 400


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
    left, pairs, budget = {row.id: row for row in added[:MOST_COMPARED]}, [], MOST_RATIOS
    pieces = {row.id: _pieces(row) for row in [*removed[:MOST_COMPARED], *left.values()]}
    for row in removed[:MOST_COMPARED]:
        near = _nearest(pieces[row.id], {id: pieces[id] for id in left})[:budget]
        budget -= len(near)
        best = next((id for id in near if _likeness(row, left[id]) >= REWORDED), None)
        if best is not None:
            pairs.append((row, left.pop(best)))
    return pairs


def _pieces(row: Row) -> frozenset[str]:
    """Its pairs of letters, and longer runs that tell long texts apart: sets are quick to compare."""
    text = row.question[:LONGEST_COMPARED]
    return frozenset(text[place : place + size] for size in RUNS for place in range(max(1, len(text) - size + 1)))


def _nearest(mine: frozenset[str], others: Mapping[str, frozenset[str]]) -> list[str]:
    """The others that share most with it, if that is enough to be a rewording."""
    shared = {id: 2 * len(mine & pieces) / (len(mine) + len(pieces)) for id, pieces in others.items()}
    near = [id for id, share in shared.items() if share >= ALIKE]
    return sorted(near, key=lambda id: -shared[id])[:CANDIDATES]


def _likeness(one: Row, other: Row) -> float:
    texts = one.question[:LONGEST_COMPARED], other.question[:LONGEST_COMPARED]
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    return 0.0 if matcher.real_quick_ratio() < REWORDED or matcher.quick_ratio() < REWORDED else matcher.ratio()


def _cells(before: Row, after: Row) -> tuple[Cell, ...]:
    found = ((name, text(getattr(before, name)), text(getattr(after, name))) for name in CELLS)
    return tuple(Cell(name, was, now) for name, was, now in found if was != now)
