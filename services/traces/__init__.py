"""Traces: one question and its answer, what happened in between, and what was thought of it."""

import time
from typing import TYPE_CHECKING

from mlflow.entities import Trace, TraceState
from mlflow.exceptions import MlflowException

from services import readmodel
from services.errors import NotFoundError, PlatformError, existing, translated
from services.messages import Message
from services.traces.placing import Offered, Place, offered
from services.traces.prompt_use import loaded_prompts, prompt_seen, prompt_version
from services.traces.queries import Conversation, Found, TraceQuery
from services.traces.rows import ORIGINS, TraceRow, origin
from services.traces.story import Step, TraceStory, Verdict, told

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "ORIGINS",
    "Conversation",
    "Found",
    "Offered",
    "Place",
    "Step",
    "TraceQuery",
    "TraceRow",
    "TraceStory",
    "Verdict",
    "await_story",
    "conversations",
    "count",
    "find",
    "get",
    "loaded_prompts",
    "offered",
    "origin",
    "prompt_seen",
    "prompt_version",
    "stored",
    "wait_for",
]

PATIENCE = 10.0
# MLflow calls a trace without its spans a bad request.
NOT_YET = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "BAD_REQUEST")


def find(workspace: "Workspace", query: TraceQuery) -> Found:
    """Matching traces, newest first; what was left just now is read before."""
    readmodel.catch_up(workspace)
    return readmodel.find(workspace, query)


def count(workspace: "Workspace", query: TraceQuery, most: int) -> tuple[int, bool]:
    """How many match, counted up to `most`, and whether there are more."""
    readmodel.catch_up(workspace)
    return readmodel.count(workspace, query, most)


def conversations(workspace: "Workspace", query: TraceQuery) -> list[Conversation]:
    """The conversations in which the newest matching traces stand, newest first."""
    readmodel.catch_up(workspace)
    return readmodel.conversations(workspace, query)


def get(workspace: "Workspace", trace_id: str) -> TraceStory:
    """One trace as a story; raises NotFoundError, also for a trace of another app."""
    trace = _found(workspace, trace_id)
    if trace.info.experiment_id != workspace.app.experiment_id:
        raise NotFoundError(
            Message("The trace {id} does not belong to this app.", id=trace_id), Message("Choose one from the list.")
        )
    return told(trace, workspace.app.places)


def await_story(workspace: "Workspace", trace_id: str) -> TraceStory:
    """Like `get`, but patient with the trace of an answer that was given just now."""
    if stored(workspace, trace_id) is None:
        wait_for(workspace, trace_id, PATIENCE)
    return get(workspace, trace_id)


def wait_for(workspace: "Workspace", trace_id: str, seconds: float = PATIENCE) -> Trace | None:
    """The finished trace; MLflow writes it up to some seconds after the answer. None when it does not come in time.

    Its spans may be stored before what describes it (agent version, tags). A store that is busy for a moment is asked
    again; raises PlatformError for one that still is when the time is over.
    """
    end, found, busy = time.monotonic() + seconds, None, None
    while time.monotonic() < end:
        try:
            found, busy = stored(workspace, trace_id), None
        except PlatformError as error:
            if not error.retryable:
                raise
            busy = error
        if found is not None and workspace.platform.history.settled(found):
            return found
        time.sleep(0.1)
    if busy is not None:
        raise busy
    return found if found is not None and found.info.state != TraceState.IN_PROGRESS else None


def stored(workspace: "Workspace", trace_id: str) -> Trace | None:
    """The trace as far as it is stored; None while it, or its spans, are still on their way."""
    with translated(Message("Reading the trace")):
        try:
            return workspace.client.get_trace(trace_id)
        except MlflowException as error:
            if error.error_code in NOT_YET:
                return None
            raise


def _found(workspace: "Workspace", trace_id: str) -> Trace:
    with translated(Message("Reading the trace")):
        found = existing(workspace.client.get_trace, trace_id)
    if found is None:
        raise NotFoundError(
            Message("The trace {id} does not exist.", id=trace_id), Message("Choose one from the list.")
        )
    return found
