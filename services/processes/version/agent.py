"""A loaded agent version: any pyfunc model answers in the shape of a ResponsesAgent, with its trace's id."""

import os
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any

import mlflow
import openai
import pydantic
from mlflow.exceptions import MlflowException

from services import kinds
from services.jsons import sound
from services.processes.web import Refused

OURS = frozenset(
    {
        "input",
        "stream",
        "temperature",
        "max_output_tokens",
        "top_p",
        "custom_inputs",
        "context",
        "user",
        "metadata",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "store",
        "truncation",
    }
)
BAD_REQUEST = "INVALID_PARAMETER_VALUE"


class ServedAgent:
    """Loads in `__init__`; both ways of asking run wholly in the calling thread, as MLflow's tracing needs it."""

    def __init__(self, model_uri: str, model_config: dict[str, Any], app: str) -> None:
        self.agent = kinds.load(model_uri, model_config)
        self.app = app

    def answer(self, body: dict[str, Any], pair: str = "") -> dict[str, Any]:
        request = normalised(body)
        with self._traced(request, pair):
            answered = self.agent.predict(request)
        metadata = {**(answered.get("metadata") or {}), "trace_id": mlflow.get_last_active_trace_id(thread_local=True)}
        return {**answered, "metadata": metadata}

    def stream(self, body: dict[str, Any], pair: str = "") -> Generator[dict[str, Any], None, None]:
        """Events of the answer, then the id of its trace, also when the answer broke off."""
        request, gone = normalised(body), False
        try:
            with self._traced(request, pair):
                yield from self.agent.predict_stream(request)
        except GeneratorExit:
            gone = True
            raise
        finally:
            if not gone:
                yield {"trace_id": mlflow.get_last_active_trace_id(thread_local=True)}

    def _traced(self, request: dict[str, Any], pair: str) -> AbstractContextManager[None]:
        origin = str((request.get("custom_inputs") or {}).get("signalbox_origin", "live"))
        tags = {"signalbox.origin": origin, "signalbox.app": self.app}
        environment = os.environ.get("SIGNALBOX_ENVIRONMENT")
        tags |= {"signalbox.environment": environment} if environment else {}
        return mlflow.tracing.context(tags=tags | ({"signalbox.pair": pair} if pair else {}))


def normalised(body: dict[str, Any]) -> dict[str, Any]:
    """What a ResponsesAgent's schema takes: OpenAI's clients add keys of their own and may send a bare string."""
    request = {name: value for name, value in body.items() if name in OURS}
    # As a ChatAgent's own clients write it.
    request.setdefault("input", body.get("messages"))
    if isinstance(request.get("input"), str):
        request["input"] = [{"role": "user", "content": request["input"]}]
    if not isinstance(request.get("input"), list) or not all(isinstance(one, dict) for one in request["input"]):
        raise Refused(400, "“input” must be a list of messages.")
    for name in ("custom_inputs", "context"):
        if not isinstance(request.get(name) or {}, dict):
            raise Refused(400, f"“{name}” must be an object.")
    return request


def failure(error: BaseException) -> tuple[int, str]:
    """The HTTP status and the sentence for whatever the agent raised; never a traceback."""
    if isinstance(error, Refused):
        return error.status, error.message
    if isinstance(error, openai.RateLimitError):
        return 429, "The model is busy (429)."
    if isinstance(error, openai.APIStatusError):
        return 502, f"The model answered with an error ({error.status_code}): {first_line(error)}"
    if isinstance(error, openai.APIConnectionError):
        return 502, "The model could not be reached."
    if isinstance(error, kinds.Misfit):
        return 400, f"The request does not fit the agent: {first_line(error)}"
    if isinstance(error, pydantic.ValidationError) and error.title == "ResponsesAgentRequest":
        return 400, f"The request does not fit the agent: {first_line(error)}"
    if isinstance(error, MlflowException) and "schema" in str(error) and error.error_code == BAD_REQUEST:
        return 400, f"The request does not fit the agent: {first_line(error)}"
    return 500, f"The agent failed: {type(error).__name__}: {first_line(error)}"


def first_line(error: BaseException) -> str:
    lines = sound(str(error)).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
