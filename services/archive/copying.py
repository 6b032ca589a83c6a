"""Copies what is new, changed or gone in MLflow into the table: some quarter hours of one day in each commit.

Reading and writing happen under one lock, so that a trace that is being deleted for good never comes back.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities import TraceInfo

from services.archive import schema, table
from services.archive.plan import Plan, load
from services.archive.table import Span, Writing
from services.errors import ConsoleError, PlatformError, translated
from services.messages import Message
from services.readmodel import api_history, following, source
from services.readmodel.facts import SLOT_MS, Fact, from_info
from services.readmodel.sql_history import SqlHistory

if TYPE_CHECKING:
    from services.workspace import Workspace

SLOTS_A_DAY = 96
ENOUGH, SMALL, FIRST = 1_000, 20_000, 16
SPANS_PLACE, IN_THE_STORE = "mlflow.trace.spansLocation", "TRACKING_STORE"

Told = Callable[[int, int], None]


def copy(workspace: "Workspace", chosen: Plan, told: Told) -> int:
    """Bring the table up to date, newest first; returns how many quarter hours were copied."""
    with table.writing(workspace) as place:
        wanted = following.look(workspace, place.notes, table.count(place.table) < SMALL)
        due = following.due(workspace, place.notes, wanted)
    waiting = [slot for slot in due.slots if (slot + 1) * SLOT_MS > chosen.floor]
    total, width = len(waiting), FIRST
    while waiting and load(workspace).on:
        told(total - len(waiting), total)
        group = _group(waiting, width)
        with table.writing(workspace) as place:
            read = replace(workspace, place, chosen, group, due)
        waiting = waiting[len(group) :]
        width = _next(width, read)
    if not waiting:
        with table.writing(workspace) as place:
            following.done(place.notes, wanted)
    return total - len(waiting)


def replace(
    workspace: "Workspace", place: Writing, chosen: Plan, slots: Sequence[int], due: following.Due | None = None
) -> int:
    """Make the table hold these neighbouring quarter hours of a day as MLflow has them; returns how many traces."""
    held = span_of(slots)
    facts, rows = read(workspace, held)
    unsure = {fact.slot for fact in facts if following.unsettled([fact])}
    known = due.prints if due else {}
    prints = {slot: "" if slot in unsure else known.get(slot) for slot in slots}
    place.replace(held, rows, prints, keep=chosen.outlives(held.day))
    return len(rows)


def read(workspace: "Workspace", held: Span) -> tuple[list[Fact], list[dict[str, Any]]]:
    """The traces of that time in MLflow as facts, and the rows that they become."""
    words = f"timestamp_ms >= {held.from_ms} AND timestamp_ms < {held.to_ms}"
    infos = [trace.info for trace in api_history.pages(workspace, words)]
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


def span_of(slots: Sequence[int]) -> Span:
    first, last = min(slots), max(slots)
    return Span(schema.day_of(first * SLOT_MS), first * SLOT_MS, (last + 1) * SLOT_MS)


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


def _group(waiting: Sequence[int], width: int) -> list[int]:
    """The next quarter hours of one day, at most `width` apart."""
    first = waiting[0]
    group = []
    for slot in waiting:
        if first - slot >= width or slot // SLOTS_A_DAY != first // SLOTS_A_DAY:
            break
        group.append(slot)
    return group


def _next(width: int, read: int) -> int:
    """Wider where little is, narrower where much is: a commit should neither be tiny nor fill the memory."""
    if read < ENOUGH:
        return min(width * 2, SLOTS_A_DAY)
    return max(width // 2, 1) if read > 2 * ENOUGH else width
