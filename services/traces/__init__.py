"""Traces: one question and its answer, what happened in between, and what was thought of it."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow.entities import Trace, TraceState
from mlflow.exceptions import MlflowException

from services.errors import NotFoundError, is_missing, translated
from services.messages import Message
from services.traces.prompt_use import prompt_seen, prompt_version
from services.traces.rows import ORIGINS, TraceRow, origin, read_infos, row_of
from services.traces.story import Step, TraceStory, Verdict, told

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "ORIGINS",
    "Found",
    "Step",
    "TraceQuery",
    "TraceRow",
    "TraceStory",
    "Verdict",
    "await_story",
    "count",
    "find",
    "get",
    "origin",
    "prompt_seen",
    "prompt_version",
    "stored",
    "wait_for",
]

MOST_READ = 2000
PATIENCE = 10.0
# MLflow calls a trace without its spans a bad request.
NOT_YET = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "BAD_REQUEST")
FINALIZED = "mlflow.trace.infoFinalized"


@dataclass(frozen=True)
class TraceQuery:
    """Which traces; `version` is an agent version's model id, `prompt` a prompt's name and version.

    `text` is looked for in question and answer.
    """

    hours: float = 24.0
    origin: str | None = "live"
    failed_scorer: str | None = None
    errors_only: bool = False
    version: str | None = None
    prompt: tuple[str, int] | None = None
    text: str | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class Found:
    """Traces newest first; `capped` when older ones were not looked at any more."""

    rows: tuple[TraceRow, ...]
    more: bool
    capped: bool


def find(workspace: "Workspace", query: TraceQuery) -> Found:
    """Matching traces, newest first, out of the newest MOST_READ of the window."""
    wanted, skipped, read = [], 0, 0
    for info in read_infos(workspace, query.hours, MOST_READ, _filters(query)):
        read += 1
        row = row_of(info)
        if not _matches(row, query):
            continue
        if skipped < query.offset:
            skipped += 1
            continue
        wanted.append(row)
        if len(wanted) > query.limit:
            break
    return Found(tuple(wanted[: query.limit]), len(wanted) > query.limit, read >= MOST_READ)


def count(workspace: "Workspace", query: TraceQuery, most: int) -> tuple[int, bool]:
    """How many traces of the window match, and whether there may be more than the newest `most` that were read."""
    read = list(read_infos(workspace, query.hours, most, _filters(query)))
    return sum(_matches(row_of(info), query) for info in read), len(read) >= most


def get(workspace: "Workspace", trace_id: str) -> TraceStory:
    """One trace as a story; raises NotFoundError, also for a trace of another app."""
    trace = _found(workspace, trace_id)
    if trace.info.experiment_id != workspace.app.experiment_id:
        raise NotFoundError(
            Message("The trace {id} does not belong to this app.", id=trace_id), Message("Choose one from the list.")
        )
    return told(trace)


def await_story(workspace: "Workspace", trace_id: str) -> TraceStory:
    """Like `get`, but patient with the trace of an answer that was given just now."""
    if stored(workspace, trace_id) is None:
        wait_for(workspace, trace_id)
    return get(workspace, trace_id)


def wait_for(workspace: "Workspace", trace_id: str) -> Trace | None:
    """The finished trace; MLflow writes it up to some seconds after the answer. None when it does not come.

    Its spans may be stored before what describes it (agent version, tags), which is marked by FINALIZED.
    """
    end, found = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        found = stored(workspace, trace_id)
        if found is not None and found.info.trace_metadata.get(FINALIZED) == "true":
            return found
        time.sleep(0.1)
    return found if found is not None and found.info.state != TraceState.IN_PROGRESS else None


def stored(workspace: "Workspace", trace_id: str) -> Trace | None:
    """The trace as far as it is stored; None while it, or its spans, are still on their way."""
    try:
        return workspace.client.get_trace(trace_id)
    except MlflowException as error:
        if error.error_code in NOT_YET:
            return None
        raise


def _filters(query: TraceQuery) -> str:
    parts = [" AND status = 'ERROR'" if query.errors_only else ""]
    if query.version:
        parts.append(f" AND metadata.`mlflow.modelId` = '{query.version.replace(chr(39), '')}'")
    if query.prompt:
        parts.append(f" AND prompt = '{query.prompt[0].replace(chr(39), '')}/{query.prompt[1]}'")
    if query.origin == "live":
        parts.append(" AND metadata.`mlflow.sourceRun` IS NULL")
    return "".join(parts)


def _matches(row: TraceRow, query: TraceQuery) -> bool:
    text = (query.text or "").casefold()
    return (
        query.origin in (None, row.origin)
        and (query.failed_scorer is None or query.failed_scorer in row.failed)
        and (text in row.question.casefold() or text in row.answer.casefold())
    )


def _found(workspace: "Workspace", trace_id: str) -> Trace:
    try:
        return workspace.client.get_trace(trace_id)
    except MlflowException as error:
        if is_missing(error):
            raise NotFoundError(
                Message("The trace {id} does not exist.", id=trace_id), Message("Choose one from the list.")
            ) from error
        with translated(Message("Reading the trace")):
            raise
