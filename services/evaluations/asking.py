"""Ask what is not answered yet: an agent version in this process, or the endpoint as anyone would."""

import contextvars
import json
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import SpanStatusCode
from mlflow.genai.scorers import Scorer

from services import agents, traces
from services.errors import ConsoleError
from services.evaluations.plan import Slot, messages_of
from services.evaluations.table import REPEAT_TAG, ROW_TAG
from services.evaluations.tally import Tally

if TYPE_CHECKING:
    from services.workspace import Workspace

AT_ONCE = 4
SOURCE_RUN = "mlflow.sourceRun"


def agent(
    workspace: "Workspace",
    model_id: str,
    prompt_version: int | None,
    slots: Sequence[Slot],
    scorers: list[Scorer],
    tally: Tally,
) -> None:
    """Ask and score with MLflow's own harness, inside the run.

    Tags travel with the trace instead of being written after it: on SQLite every write of its own costs as much as
    asking the question. Autologging would add a second span per model call.
    """
    mlflow.openai.autolog(disable=True)
    loaded = agents.load(workspace, model_id, prompt_version)
    waiting = _Waiting(slots)

    def answer(input: list[dict[str, Any]]) -> Any:  # MLflow hands over the row's inputs by name
        tags, earlier = _tags(workspace, waiting.take(input)), mlflow.get_last_active_trace_id(thread_local=True)
        request = {"input": input, "context": _alone(workspace)}
        with tally.asking():
            for attempt in tally.patience.attempts(lambda: _drop_trace(workspace, earlier)):
                with attempt, mlflow.tracing.context(tags=tags):
                    return loaded.predict(request)

    data = [{"inputs": {"input": messages_of(slot.row)}} for slot in slots]
    mlflow.genai.evaluate(data=data, predict_fn=answer, scorers=scorers, model_id=model_id)


def endpoint(workspace: "Workspace", run_id: str, slots: Sequence[Slot], tally: Tally) -> None:
    """Ask the endpoint's address; the served version leaves the traces, which are marked and linked to the run."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        asked = [pool.submit(contextvars.copy_context().run, _ask, workspace, run_id, slot, tally) for slot in slots]
        for one in asked:
            one.result()
    finally:
        # What was not begun when one of them stopped the work is not begun any more.
        pool.shutdown(cancel_futures=True)


def _ask(workspace: "Workspace", run_id: str, slot: Slot, tally: Tally) -> None:
    request = {
        "input": messages_of(slot.row),
        "custom_inputs": {"signalbox_origin": "evaluation"},
        "context": _alone(workspace),
    }
    tags = _tags(workspace, slot)
    try:
        with tally.asking():
            for attempt in tally.patience.attempts():
                with attempt:
                    answer = workspace.platform.serving.ask(workspace, workspace.app.endpoint, request)
    except ConsoleError as error:
        _leave(run_id, tags, request, None, str(error.message))
        return
    trace = traces.wait_for(workspace, answer.trace_id) if answer.trace_id else None
    if trace is None:
        _leave(run_id, tags, request, answer.text, "")
        return
    for name, value in tags.items():
        workspace.client.set_trace_tag(trace.info.trace_id, name, value)
    workspace.client.link_traces_to_run([trace.info.trace_id], run_id)


def _leave(run_id: str, tags: dict[str, str], request: Any, text: str | None, error: str) -> None:
    """A trace of our own where the served version left none: its answer, or why there is none."""
    with mlflow.tracing.context(tags=tags, metadata={SOURCE_RUN: run_id}):
        span = mlflow.start_span_no_context("endpoint", inputs=request)
        if text is None:
            span.record_exception(error)
            span.end(status=SpanStatusCode.ERROR)
        else:
            span.end(outputs=text)


def _tags(workspace: "Workspace", slot: Slot) -> dict[str, str]:
    return {
        "signalbox.origin": "evaluation",
        "signalbox.app": workspace.app.id,
        ROW_TAG: slot.row.id,
        REPEAT_TAG: str(slot.repeat),
    }


def _alone(workspace: "Workspace") -> dict[str, str]:
    """A conversation of its own: an agent with a memory must not answer one line with what another one said."""
    return {"conversation_id": uuid.uuid4().hex, "user_id": workspace.actor.id}


def _drop_trace(workspace: "Workspace", earlier: str | None) -> None:
    """The trace of a try that was too early would stand as a second answer to the same row; `earlier` is another's."""
    trace_id = mlflow.get_last_active_trace_id(thread_local=True)
    if trace_id and trace_id != earlier:
        workspace.client.delete_traces(workspace.app.experiment_id, trace_ids=[trace_id])


class _Waiting:
    """Which line a request is: MLflow hands over the request alone, and each line is asked once."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self._slots: dict[str, deque[Slot]] = defaultdict(deque)
        for slot in slots:
            self._slots[self._key(messages_of(slot.row))].append(slot)

    def take(self, messages: list[dict[str, Any]]) -> Slot:
        return self._slots[self._key(messages)].popleft()

    @staticmethod
    def _key(messages: list[dict[str, Any]]) -> str:
        return json.dumps(messages, sort_keys=True)
