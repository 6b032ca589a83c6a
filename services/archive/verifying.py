"""Whether the table holds what MLflow holds: every trace compared by the hash of its whole content."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from services.archive import copying, schema, table
from services.archive.plan import Plan, load
from services.archive.table import Span
from services.readmodel import following, source
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.archive.copying import Told
    from services.workspace import Workspace

# What came in since may not have been copied yet.
FRESH = 15 * 60_000


@dataclass(frozen=True)
class Comparison:
    """`missing`: in MLflow only. `changed`: of another content. `left`: in the archive only, where MLflow should have it.

    `kept`: in the archive only, as planned, because MLflow lost them by age. `mended`: how many were copied anew.
    """

    compared: int = 0
    kept: int = 0
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    mended: int = 0

    @property
    def differing(self) -> int:
        return len(self.missing) + len(self.changed) + len(self.left)

    def plus(self, other: "Comparison") -> "Comparison":
        mine, theirs = self.to_json(), other.to_json()
        return Comparison.from_json({name: value + theirs[name] for name, value in mine.items()})

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Comparison":
        told: dict[str, Any] = {
            one: tuple(value) if isinstance(value, list) else value for one, value in stored.items()
        }
        return cls(**told)


def verify(workspace: "Workspace", chosen: Plan, told: "Told") -> Comparison:
    """Compare everything that was there a while ago; where something differs it is copied anew, unless it was stopped."""
    if chosen.on:
        copying.copy(workspace, chosen, told)
    until = following.now() - FRESH
    walk = copying.Walk([one for one in _slots(workspace, chosen) if one * SLOT_MS <= until])
    found, total = Comparison(), len(walk.waiting)
    while walk.waiting:
        told(total - len(walk.waiting), total)
        part = _compare(workspace, copying.span_of(walk.group), until)
        found = found.plus(part)
        walk.go_on(part.compared + part.kept + part.differing)
    return found


def _slots(workspace: "Workspace", chosen: Plan) -> list[int]:
    """All quarter hours that may have traces here or there, newest first."""
    slots = set(source.of(workspace).prints(workspace, chosen.floor))
    held = table.read(workspace)
    for day in table.days(held) if held else []:
        start = schema.start_of(day) // SLOT_MS
        slots |= set(range(start, start + copying.SLOTS_A_DAY))
    return [one for one in sorted(slots, reverse=True) if (one + 1) * SLOT_MS > chosen.floor]


def _compare(workspace: "Workspace", held: Span, until: int) -> Comparison:
    with table.writing(workspace) as place:
        chosen = load(workspace)
        there = {one["trace_id"]: one["digest"] for one in copying.read(workspace, held)[1] if _at(one) <= until}
        held_rows = [one for one in rows(place.table, held) if _at(one) <= until]
        here = {one["trace_id"]: schema.digest(one) for one in held_rows}
        twice = {one for one, n in Counter(one["trace_id"] for one in held_rows).items() if n > 1}
        both = there.keys() & here.keys()
        only_here = tuple(sorted(here.keys() - there.keys()))
        aged = chosen.outlives(held.day)
        found = Comparison(
            compared=len(both),
            kept=len(only_here) if aged else 0,
            missing=tuple(sorted(there.keys() - here.keys())),
            changed=tuple(sorted(one for one in both if there[one] != here[one] or one in twice)),
            left=() if aged else only_here,
        )
        if not (found.differing and chosen.on):
            return found
        slots = range(held.from_ms // SLOT_MS, held.to_ms // SLOT_MS)
        place.unlearn(slots)
        place.drop(found.changed)
        copying.replace(workspace, place, chosen, slots)
        return found.plus(Comparison(mended=found.differing))


def rows(found: Any, held: Span) -> list[dict[str, Any]]:
    """The archived traces of that time, as they were written."""
    chosen = found.to_pyarrow_table(
        filters=[
            ("day", "=", held.day),
            ("time", ">=", schema.moment(held.from_ms)),
            ("time", "<", schema.moment(held.to_ms)),
        ],
    )
    return [plain(one) for one in chosen.select(schema.COLUMNS).to_pylist()]


def plain(one: dict[str, Any]) -> dict[str, Any]:
    """A row of the table with the types that it was written from."""
    words = {name: sorted(one[name] or []) for name in ("tags", "metadata")}
    return one | words


def _at(row: Mapping[str, Any]) -> int:
    return int(row["time"].timestamp() * 1000)
