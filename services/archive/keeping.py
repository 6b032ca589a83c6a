"""Ages: the archive drops days, MLflow loses days that the archive has, and a day can be brought back to MLflow."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from mlflow.entities import (
    Assessment,
    AssessmentError,
    AssessmentSource,
    Expectation,
    Feedback,
    Span,
    Trace,
    TraceData,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.tracing.client import TracingClient

from services import audit, readmodel
from services.archive import copying, cursor, plan, schema, table, verifying
from services.archive.plan import Plan, load
from services.audit import Verb
from services.errors import translated
from services.messages import Message
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.archive.copying import Told
    from services.workspace import Workspace

AT_ONCE = 100
MANY_FILES = 16
# MLflow gives this to every trace anew, and refuses to be told it.
PLACE_OF_FILES = "mlflow.artifactLocation"


def drop(workspace: "Workspace", chosen: Plan) -> int:
    """Drop the days that the archive need not keep; returns how many traces."""
    if chosen.kept_from is None:
        return 0
    held = table.read(workspace)
    if held is None or not table.files(held, before=chosen.kept_from):
        return 0
    with table.writing(workspace) as place:
        now = load(workspace)
        if not now.on or now.kept_from is None:
            return 0
        with audit.change(workspace, Verb.ERASE_ARCHIVE, f"before {now.kept_from}", why="age") as change:
            gone = place.drop_before(now.kept_from)
            change.after = {"traces": gone}
    return gone


def relieve(workspace: "Workspace", chosen: Plan, told: "Told") -> int:
    """Delete from MLflow what is old enough and stands in the archive word for word; returns how many traces."""
    gone = 0
    aged = {one for one in days(workspace) if chosen.leaves_mlflow(one)}
    still = cursor.known(table.folder(workspace)) if aged else set()
    walk = copying.Walk(sorted((one for one in still if schema.day_of(one * SLOT_MS) in aged), reverse=True))
    total = len(walk.waiting)
    while walk.waiting:
        told(total - len(walk.waiting), total)
        lost, read = _relieve(workspace, copying.span_of(walk.group))
        walk.go_on(read)
        gone += lost
    return gone


def _relieve(workspace: "Workspace", held: table.Span) -> tuple[int, int]:
    """How many traces MLflow lost, of how many."""
    with table.writing(workspace) as place:
        chosen = load(workspace)
        there = copying.read(workspace, held)[1] if chosen.on and chosen.leaves_mlflow(held.day) else []
        if not there:
            return 0, 0
        here = {one["trace_id"]: schema.digest(one) for one in verifying.rows(place.table, held)}
        safe = [one["trace_id"] for one in there if here.get(one["trace_id"]) == one["digest"]]
        if safe:
            with audit.change(workspace, Verb.RELIEVE_MLFLOW, str(held.day), after={"traces": len(safe)}):
                # First, so that whoever compares knows for ever why MLflow has them no more.
                plan.change(workspace, lambda now: plan.lose(now, held.day))
                for batch in _batches(safe):
                    workspace.client.delete_traces(workspace.app.experiment_id, trace_ids=batch)
        if len(safe) == len(there):
            place.unlearn(range(held.from_ms // SLOT_MS, held.to_ms // SLOT_MS))
    for batch in _batches(safe):
        readmodel.forget(workspace, batch)
    return len(safe), len(there)


def put_back(workspace: "Workspace", first: date, last: date, told: "Told") -> int:
    """Write into MLflow again what the archive has of these days and MLflow has not; returns how many traces.

    With the ids, times, spans and verdicts that they had.
    """
    wanted = [one for one in days(workspace) if first <= one <= last]
    starts = [schema.start_of(one) // SLOT_MS for one in wanted]
    walk = copying.Walk([slot for one in reversed(starts) for slot in reversed(range(one, one + copying.SLOTS_A_DAY))])
    made, total = 0, len(walk.waiting)
    while walk.waiting:
        told(total - len(walk.waiting), total)
        back, read = _put_back(workspace, copying.span_of(walk.group))
        walk.go_on(read)
        made += back
    return made


def _put_back(workspace: "Workspace", held: table.Span) -> tuple[int, int]:
    """How many traces came back, of how many; under the lock, so that one that is being deleted for good never does."""
    store = TracingClient(workspace.settings.tracking_uri)
    with table.writing(workspace) as place:
        there = copying.ids(workspace, held)
        here = verifying.rows(place.table, held)
        lost = [one for one in here if one["trace_id"] not in there]
        for one in lost:
            _write(workspace, store, trace_of(one, workspace.app.experiment_id))
    return len(lost), len(here)


def tidy(workspace: "Workspace", every: bool = False) -> int:
    """Put small files of a day together and delete what nobody reads any more; returns how many days were compacted."""
    held = table.read(workspace)
    if held is None:
        return 0
    most = 1 if every else MANY_FILES
    crowded = [day for day in days(workspace) if len(table.files(held, on=day)) > most]
    for day in crowded:
        with table.writing(workspace) as place:
            place.compact(day)
    if crowded or every:
        with table.writing(workspace) as place:
            place.tidy()
    return len(crowded)


def days(workspace: "Workspace") -> list[date]:
    """The days that have files in the archive, oldest first."""
    held = table.read(workspace)
    return table.days(held) if held else []


def trace_of(row: Mapping[str, Any], experiment_id: str) -> Trace:
    """The trace that was archived, as MLflow knew it."""
    info = TraceInfo(
        trace_id=row["trace_id"],
        trace_location=TraceLocation.from_experiment_id(experiment_id),
        request_time=int(row["time"].timestamp() * 1000),
        state=TraceState(row["state"]),
        execution_duration=row["duration_ms"],
        request_preview=row["request_preview"],
        response_preview=row["response_preview"],
        client_request_id=row["client_request_id"],
        trace_metadata=dict(row["metadata"]),
        tags={key: value for key, value in row["tags"] if key != PLACE_OF_FILES},
        assessments=[_assessment(one, row["trace_id"]) for one in row["assessments"]],
    )
    spans = [Span.from_dict(one) for one in json.loads(row["spans"] or "[]") if "span_id" in one]
    return Trace(info, TraceData(spans))


def _write(workspace: "Workspace", store: TracingClient, trace: Trace) -> None:
    with translated(Message("Bringing traces back to MLflow")):
        store.start_trace(trace.info)
        if trace.data.spans:
            store.log_spans(workspace.app.experiment_id, trace.data.spans)


def _assessment(one: Mapping[str, Any], trace_id: str) -> Assessment:
    value = json.loads(one["value"])
    told: dict[str, Any] = {
        "name": one["name"],
        "value": value,
        "source": AssessmentSource(one["source_type"], one["source"]),
        "trace_id": trace_id,
        "metadata": json.loads(one["metadata"]) if one["metadata"] else None,
        "span_id": one["span_id"],
        "create_time_ms": int(one["created"].timestamp() * 1000),
        "last_update_time_ms": int(one["updated"].timestamp() * 1000),
    }
    if one["kind"] == "expectation":
        made: Assessment = Expectation(**told)
    else:
        error = AssessmentError.from_dictionary(json.loads(one["error"])) if one["error"] else None
        more = {"rationale": one["rationale"], "overrides": one["overrides"], "valid": one["valid"]}
        made = Feedback(**told, **more, error=error)
    made.assessment_id = one["id"]
    return made


def _batches(trace_ids: Sequence[str]) -> list[list[str]]:
    return [list(trace_ids[start : start + AT_ONCE]) for start in range(0, len(trace_ids), AT_ONCE)]
