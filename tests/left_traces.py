"""Traces as agents leave them, made in this process."""

import time
from typing import Any

import mlflow
from mlflow.entities import SpanStatusCode

from services import streaming
from services.workspace import Workspace


def leave(
    workspace: Workspace,
    question: str = "Where is my parcel?",
    answer: str = "On its way.",
    *,
    origin: str | None = "live",
    run: str | None = None,
    error: bool = False,
    hours_ago: float = 0.0,
    seconds: float = 0.5,
    sent: str = "You are polite.",
    prompt: str | None = "[]",
    model_id: str = "m-1",
    user: str | None = None,
    environment: str | None = None,
    first: float | None = None,
    more: dict[str, str] | None = None,
    pair: str | None = None,
) -> str:
    """Leave one finished trace; `origin` None leaves our tag out, `run` marks an evaluation, `environment` no production.

    `first`: seconds to the first words of a stream, as an agent of ours tells them; `more` metadata besides. `pair` is what a copied
    question and its copy are marked with.
    """
    tags = {"mlflow.linkedPrompts": prompt or "[]"} | ({"signalbox.origin": origin} if origin else {})
    tags |= {"signalbox.environment": environment} if environment else {}
    tags |= {"signalbox.pair": pair} if pair else {}
    metadata = {"mlflow.modelId": model_id} | ({"mlflow.sourceRun": run} if run else {})
    metadata |= {"mlflow.trace.user": user} if user else {}
    metadata |= {streaming.FIRST: str(round(first * 1000))} if first is not None else {}
    metadata |= more or {}
    began = time.time_ns() - int(hours_ago * 3600e9) - int(seconds * 1e9)
    ended = began + int(seconds * 1e9)
    asked: dict[str, Any] = {"request": {"input": [{"role": "user", "content": question}]}}
    with mlflow.tracing.context(tags=tags, metadata=metadata):
        root = mlflow.start_span_no_context(
            "predict", span_type="AGENT", inputs=asked, start_time_ns=began, experiment_id=workspace.app.experiment_id
        )
        messages = [{"role": "system", "content": sent}, {"role": "user", "content": question}]
        call = mlflow.start_span_no_context(
            "llm_call",
            span_type="CHAT_MODEL",
            parent_span=root,
            start_time_ns=began,
            inputs={"model": "practice", "messages": messages},
        )
        call.set_attributes(
            {
                "mlflow.llm.model": "practice",
                "mlflow.chat.tokenUsage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
            }
        )
        if error:
            call.record_exception(RuntimeError("The model is busy."))
        status = SpanStatusCode.ERROR if error else SpanStatusCode.OK
        call.end(outputs={"content": answer}, status=status, end_time_ns=ended)
        root.end(
            outputs={"output": [{"type": "message", "content": [{"type": "output_text", "text": answer}]}]},
            status=status,
            end_time_ns=ended,
        )
    mlflow.flush_trace_async_logging()
    return str(root.trace_id)


def leave_one_of_each(workspace: Workspace) -> dict[str, str]:
    """One trace of every kind of origin, also untagged ones, by what it should count as plus a letter."""
    named = ("live", "try", "smoke", "probe", "evaluation", "shadow", "rehearsal")
    left = {name: leave(workspace, origin=name) for name in named}
    left["live, untagged"] = leave(workspace, origin=None)
    left["staging, asked there"] = leave(workspace, environment="staging")
    left["smoke, in staging"] = leave(workspace, origin="smoke", environment="staging")
    left["evaluation, untagged"] = leave(workspace, origin=None, run="r1")
    return left
