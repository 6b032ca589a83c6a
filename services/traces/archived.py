"""Traces that MLflow lost by their age, found and told from the archive on this machine."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from services import database, readmodel, traces
from services.archive import keeping, plan, schema, table, verifying
from services.readmodel.finding import folded
from services.traces.queries import TraceQuery
from services.traces.rows import TraceRow, opinions, row_of
from services.traces.story import TraceStory, told

if TYPE_CHECKING:
    from mlflow.entities import TraceInfo

    from services.workspace import Workspace

SPANLESS = tuple(name for name in schema.COLUMNS if name != "spans")


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
        rows = place.to_table(columns=list(SPANLESS), filter=(pc.field("day") == day) & asked).to_pylist()
        found += _fitting(workspace, query, rows)
        if len(found) >= query.limit:
            break
    return found[: query.limit]


def story(workspace: "Workspace", trace_id: str) -> TraceStory | None:
    """The archived trace; None where MLflow has it, or the archive has not."""
    held = table.read(workspace)
    if held is None or traces.stored(workspace, trace_id) is not None:
        return None
    rows = held.to_pyarrow_table(filters=[("trace_id", "=", trace_id)]).select(schema.COLUMNS).to_pylist()
    if not rows:
        return None
    trace = keeping.trace_of(verifying.plain(rows[0]), workspace.app.experiment_id)
    return replace(told(trace), archived=True)


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
    """Newest first, by what was said of them and whether MLflow has lost them."""
    there = readmodel.known(workspace, [one["trace_id"] for one in rows])
    lost = [one for one in rows if one["trace_id"] not in there]
    for one in sorted(lost, key=lambda row: row["time"], reverse=True):
        info = keeping.trace_of(verifying.plain({"spans": None, **one}), workspace.app.experiment_id).info
        row = row_of(info)
        if _fits(query, row, info):
            yield row


def _fits(query: TraceQuery, row: TraceRow, info: "TraceInfo") -> bool:
    judged = not query.scorer or row.scores.get(query.scorer) is query.passed
    said = query.opinion is None or any(one.value is query.opinion for one in opinions(info))
    return judged and said and (query.prompt is None or query.prompt in row.prompts)
