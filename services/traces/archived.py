"""Traces that MLflow lost by their age, found and told from the archive on this machine."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import islice
from operator import and_
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
from pyarrow.dataset import Dataset

from services import database, readmodel, traces
from services.archive import keeping, plan, schema, table, verifying
from services.readmodel.facts import readable
from services.readmodel.finding import folded
from services.traces.queries import TraceQuery
from services.traces.rows import TraceRow, opinions, previewed, row_of
from services.traces.story import TraceStory, told

if TYPE_CHECKING:
    from mlflow.entities import TraceInfo

    from services.workspace import Workspace

SPANLESS = tuple(name for name in schema.COLUMNS if name != "spans")
# So many traces of a day are loaded with their words at a time.
BATCH = 2_000


def lost_before(workspace: "Workspace") -> date | None:
    """MLflow has lost traces of days before; None while it has everything."""
    stored = plan.load(workspace).lost_before
    return date.fromisoformat(stored) if stored and table.read(workspace) is not None else None


def find(workspace: "Workspace", query: TraceQuery) -> list[TraceRow]:
    """The newest `limit` archived traces that match and that MLflow has no more; words are looked for in the whole texts."""
    held, lost = table.read(workspace), lost_before(workspace)
    if held is None or lost is None:
        return []
    since = query.since or database.now() - timedelta(hours=query.hours)
    until = min(query.until or database.now(), schema.moment(schema.start_of(lost)))
    days = [day for day in reversed(table.days(held)) if since.date() <= day < lost]
    place, asked = held.to_pyarrow_dataset(), _asked(query, since, until)
    found: list[TraceRow] = []
    for day in days:
        found += islice(_of_day(workspace, query, place, day, asked), query.limit - len(found))
        if len(found) == query.limit:
            break
    return found


def story(workspace: "Workspace", trace_id: str) -> TraceStory | None:
    """The archived trace; None where MLflow has it, or has lost nothing, or the archive has not this one.

    Where nothing was lost this costs next to nothing.
    """
    lost = lost_before(workspace)
    held = table.read(workspace) if lost else None
    if held is None or traces.stored(workspace, trace_id) is not None:
        return None
    place, wanted = held.to_pyarrow_dataset(), pc.field("trace_id") == trace_id
    # A day is a folder: only the one with this trace is read with its words and spans.
    days = place.to_table(columns=["day"], filter=(pc.field("day") < lost) & wanted).to_pylist()
    if not days:
        return None
    found = place.to_table(columns=list(schema.COLUMNS), filter=(pc.field("day") == days[0]["day"]) & wanted)
    trace = keeping.trace_of(verifying.plain(found.to_pylist()[0]), workspace.app.experiment_id)
    return replace(told(trace, workspace.app.places), archived=True)


def _of_day(workspace: "Workspace", query: TraceQuery, place: Dataset, day: date, asked: Any) -> Iterator[TraceRow]:
    """Newest first, those that MLflow has lost; words are loaded only as far as rows are taken."""
    on_day = pc.field("day") == day
    ids = place.to_table(columns=["trace_id", "time"], filter=on_day & asked).sort_by([("time", "descending")])
    there = readmodel.known(workspace, ids["trace_id"].to_pylist())
    lost = [one for one in ids["trace_id"].to_pylist() if one not in there]
    for begin in range(0, len(lost), BATCH):
        chosen = on_day & pc.field("trace_id").isin(lost[begin : begin + BATCH])
        # Only the spans tell what was asked and answered at the app's places.
        columns = list(schema.COLUMNS if workspace.app.places else SPANLESS)
        yield from _fitting(workspace, query, place.to_table(columns=columns, filter=chosen).to_pylist())


def _asked(query: TraceQuery, since: datetime, until: datetime) -> Any:
    """What the table's own columns decide."""
    wanted = [pc.field("time") >= pc.scalar(since), pc.field("time") < pc.scalar(until)]
    named = {"origin": query.origin, "state": query.state, "model_id": query.version}
    named |= {"user": query.user, "session": query.session}
    wanted += [pc.field(name) == value for name, value in named.items() if value]
    wanted += [_says("request", word) | _says("response", word) for word in folded(query.text or "").split()]
    return reduce(and_, wanted)


def _says(column: str, word: str) -> Any:
    text = pc.utf8_normalize(pc.field(column), form="NFKC")
    return pc.match_substring(text, word, ignore_case=True)


def _fitting(workspace: "Workspace", query: TraceQuery, rows: list[dict[str, Any]]) -> Iterator[TraceRow]:
    """Newest first, by what was said of them."""
    for one in sorted(rows, key=lambda row: row["time"], reverse=True):
        trace = keeping.trace_of(verifying.plain({"spans": None, **one}), workspace.app.experiment_id)
        info = previewed(trace, workspace.app.places)
        asked, answered = readable(info.request_preview), readable(info.response_preview)
        row = replace(row_of(info), question=asked, answer=answered)
        if _fits(query, row, info):
            yield row


def _fits(query: TraceQuery, row: TraceRow, info: "TraceInfo") -> bool:
    judged = not query.scorer or row.scores.get(query.scorer) is query.passed
    said = query.opinion is None or any(one.value is query.opinion for one in opinions(info))
    return judged and said and (query.prompt is None or query.prompt in row.prompts)
