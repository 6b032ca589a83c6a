"""Answers with one registered agent version, by MLflow's own server: what an app of a workspace runs.

It stands alone: the console writes it beside `agent.json`, which names the version and its settings.
"""

import asyncio
import atexit
import contextvars
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import mlflow
import uvicorn
from mlflow.entities import SpanType
from mlflow.genai.agent_server import AgentServer, invoke, stream
from mlflow.types.responses import ResponsesAgentRequest

TOLD = json.loads((Path(__file__).parent / "agent.json").read_text("utf-8"))
AGENT = mlflow.pyfunc.load_model(TOLD["model"], model_config=TOLD["config"] or None)


@invoke()
async def answer(request: ResponsesAgentRequest) -> dict[str, Any]:
    """In a thread: an agent that waits for its model must not keep everybody else waiting."""
    return _as_dict(await asyncio.to_thread(AGENT.predict, _asked(request)))


@stream()
async def pieces(request: ResponsesAgentRequest) -> AsyncIterator[dict[str, Any]]:
    """Each piece in a thread, all in one context: the agent's spans begin in one piece and end in another."""
    context = contextvars.copy_context()
    found = context.run(AGENT.predict_stream, _asked(request))
    while (piece := await asyncio.to_thread(context.run, lambda: next(found, None))) is not None:
        yield _as_dict(piece)


def _asked(request: ResponsesAgentRequest) -> dict[str, Any]:
    span = mlflow.get_current_active_span()
    if span is not None:
        span.set_span_type(SpanType.AGENT)
    return request.model_dump(exclude_none=True)


def _as_dict(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else told.model_dump(exclude_none=True)


if __name__ == "__main__":
    atexit.register(mlflow.flush_trace_async_logging)
    app = AgentServer("ResponsesAgent").app
    uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("DATABRICKS_APP_PORT", "8000")))
