"""Copies what is new, changed or gone in MLflow into the table: some quarter hours of one day in each commit.

Reading and writing happen under one lock, so that a trace that is being deleted for good never comes back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.entities import TraceInfo

from services.archive import schema, table
from services.archive.plan import Plan, load
from services.archive.table import Span, Writing
from services.errors import ConsoleError, PlatformError, translated
from services.messages import Message
from services.readmodel import following, source
from services.readmodel.facts import SLOT_MS, Fact, from_info
from services.readmodel.sql_history import IN_THE_STORE, SPANS_PLACE, SqlHistory
from services.traces.rows import each

if TYPE_CHECKING:
    from services.workspace import Workspace

SLOTS_A_DAY = 96
ENOUGH, SMALL, FIRST = 1_000, 20_000, 16

Told = Callable[[int, int], None]


@dataclass
class Walk:
    """Through quarter hours, newest first, some of one day at once: as many as neither are tiny nor fill the memory."""

    waiting: list[int]
    width: int = FIRST

    @property
    def group(self) -> list[int]:
        """The next ones, at most `width` apart."""
        first = self.waiting[0]
        group = []
        for slot in self.waiting:
            if first - slot >= self.width or slot // SLOTS_A_DAY != first // SLOTS_A_DAY:
                break
            group.append(slot)
        return group

    def go_on(self, read: int) -> None:
        """Past the group, in which so many traces were read: wider where little is, narrower where much is."""
        self.waiting = self.waiting[len(self.group) :]
        if read < ENOUGH:
            self.width = min(self.width * 2, SLOTS_A_DAY)
        elif read > 2 * ENOUGH:
            self.width = max(self.width // 2, 1)


def copy(workspace: "Workspace", chosen: Plan, told: Told) -> int:
    """Bring the table up to date, newest first; returns how many quarter hours were copied."""
    with table.writing(workspace) as place:
        wanted = following.look(workspace, place.notes, table.count(place.table) < SMALL)
        due = following.due(workspace, place.notes, wanted)
    walk = Walk([slot for slot in due.slots if (slot + 1) * SLOT_MS > chosen.floor])
    total = len(walk.waiting)
    while walk.waiting:
        told(total - len(walk.waiting), total)
        with table.writing(workspace) as place:
            now = load(workspace)
            if not now.on:
                break
            walk.go_on(replace(workspace, place, now, walk.group, due))
    if not walk.waiting:
        with table.writing(workspace) as place:
            following.done(place.notes, wanted)
    return total - len(walk.waiting)


def replace(
    workspace: "Workspace", place: Writing, chosen: Plan, slots: Sequence[int], due: following.Due | None = None
) -> int:
    """Make the table hold these neighbouring quarter hours of a day as MLflow has them; returns how many traces.

    `chosen` is the plan as it is since the table is being written.
    """
    held = span_of(slots)
    facts, rows = read(workspace, held)
    unsure = {fact.slot for fact in facts if following.unsettled([fact])}
    known = due.prints if due else {}
    prints = {slot: "" if slot in unsure else known.get(slot) for slot in slots}
    place.replace(held, rows, prints, keep=chosen.outlives(held.day))
    return len(rows)


def read(workspace: "Workspace", held: Span) -> tuple[list[Fact], list[dict[str, Any]]]:
    """The traces of that time in MLflow as facts, and the rows that they become."""
    infos = _infos(workspace, held)
    if not infos:
        return [], []
    facts, history = [from_info(info) for info in infos], source.of(workspace)
    try:
        spans = history.spans(workspace, held.from_ms, held.to_ms)
    except ConsoleError:
        spans = {}  # one that cannot be read spoils a whole page: each is asked for alone
    here = isinstance(history, SqlHistory)
    rows = [
        schema.row(info, fact, spans.get(info.trace_id) or _elsewhere(workspace, info, here))
        for info, fact in zip(infos, facts, strict=True)
    ]
    return facts, rows


def ids(workspace: "Workspace", held: Span) -> set[str]:
    """The traces of that time in MLflow."""
    return {str(info.trace_id) for info in _infos(workspace, held)}


def span_of(slots: Sequence[int]) -> Span:
    first, last = min(slots), max(slots)
    return Span(schema.day_of(first * SLOT_MS), first * SLOT_MS, (last + 1) * SLOT_MS)


def _infos(workspace: "Workspace", held: Span) -> list[TraceInfo]:
    words = f"timestamp_ms >= {held.from_ms} AND timestamp_ms < {held.to_ms}"
    return [trace.info for trace in each(workspace, words)]


def _elsewhere(workspace: "Workspace", info: TraceInfo, here: bool) -> list[dict[str, Any]] | None:
    """Spans that MLflow keeps in files, or that could not be read together; None when it cannot give them."""
    if here and info.tags.get(SPANS_PLACE, IN_THE_STORE) == IN_THE_STORE:
        return None
    try:
        with translated(Message("Reading the trace")):
            found = workspace.client.get_trace(info.trace_id)
    except ConsoleError as error:
        if isinstance(error, PlatformError) and error.retryable:
            raise
        return None
    return [span.to_dict() for span in found.data.spans]
