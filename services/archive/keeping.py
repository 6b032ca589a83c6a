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
from services.archive import copying, cursor, schema, table, verifying
from services.archive.plan import Plan
from services.audit import Verb
from services.errors import translated
from services.messages import Message
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.archive.copying import Told
    from services.workspace import Workspace

DAY_SLOTS = copying.SLOTS_A_DAY
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
    with audit.change(workspace, Verb.ERASE_ARCHIVE, f"before {chosen.kept_from}", why="age") as change:
        with table.writing(workspace) as place:
            gone = place.drop_before(chosen.kept_from)
        change.after = {"traces": gone}
    return gone


def relieve(workspace: "Workspace", chosen: Plan, told: "Told") -> int:
    """Delete from MLflow what is old enough and stands in the archive word for word; returns how many traces."""
    gone = 0
    aged = [one for one in days(workspace) if chosen.leaves_mlflow(one)]
    parts = [held for day in aged for held in _parts(day)]
    still = cursor.known(table.folder(workspace)) if parts else set()
    for done, held in enumerate(parts):
        if not still.isdisjoint(range(held.from_ms // SLOT_MS, held.to_ms // SLOT_MS)):
            gone += _relieve(workspace, held)
            told(done, len(parts))
    return gone


def _relieve(workspace: "Workspace", held: table.Span) -> int:
    with table.writing(workspace) as place:
        there = copying.read(workspace, held)[1]
        if not there:
            return 0
        here = {one["trace_id"]: schema.digest(one) for one in verifying.rows(place.table, held)}
        safe = [one["trace_id"] for one in there if here.get(one["trace_id"]) == one["digest"]]
        if safe:
            with audit.change(workspace, Verb.RELIEVE_MLFLOW, str(held.day), after={"traces": len(safe)}):
                for batch in _batches(safe):
                    workspace.client.delete_traces(workspace.app.experiment_id, trace_ids=batch)
    for batch in _batches(safe):
        readmodel.forget(workspace, batch)
    return len(safe)


def put_back(workspace: "Workspace", first: date, last: date, told: "Told") -> int:
    """Write into MLflow again what the archive has of these days and MLflow has not; returns how many traces.

    With the ids, times, spans and verdicts that they had.
    """
    store = TracingClient(workspace.settings.tracking_uri)
    chosen, made = [one for one in days(workspace) if first <= one <= last], 0
    for done, day in enumerate(chosen):
        for held in _parts(day):
            told(done, len(chosen))
            there = {fact.trace_id for fact in copying.read(workspace, held)[0]}
            found = table.read(workspace)
            for one in verifying.rows(found, held) if found else []:
                if one["trace_id"] not in there:
                    _write(workspace, store, trace_of(one, workspace.app.experiment_id))
                    made += 1
    return made


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
    return sorted(set(table.facts(held)["partition.day"].to_pylist())) if held else []


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


def _parts(day: date) -> list[table.Span]:
    first, width = schema.start_of(day) // SLOT_MS, verifying.WIDTH
    return [copying.span_of(range(first + one, first + one + width)) for one in range(0, DAY_SLOTS, width)]


def _batches(trace_ids: Sequence[str]) -> list[list[str]]:
    return [list(trace_ids[start : start + AT_ONCE]) for start in range(0, len(trace_ids), AT_ONCE)]
