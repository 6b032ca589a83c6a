"""A conversation as MLflow's session scorers want it: one trace per turn, made from a request and its answer."""

import copy
import json
from collections.abc import Sequence
from typing import Any

from mlflow.entities import Trace

from services.scorers.built import turns

SESSION = "mlflow.trace.session"
INPUTS, OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"


def session_of(inputs: Any, answer: str, trace: Trace | None) -> list[Trace] | None:
    """The turns of the conversation that ended in `answer`; None when there were not several.

    An agent is sent the whole conversation with every question, so that the last request holds all of it.
    """
    said = _exchanges(turns(inputs), answer)
    if trace is None or len(said) < 2:
        return None
    return [_turn(trace, at, *exchange, last=at == len(said) - 1) for at, exchange in enumerate(said)]


def _exchanges(messages: Sequence[dict[str, str]], answer: str) -> list[tuple[str, str]]:
    """What was asked and answered, in order."""
    said: list[tuple[str, str]] = []
    for one in [*messages, {"role": "assistant", "content": answer}]:
        if one["role"] == "user":
            said.append((one["content"], ""))
        elif one["role"] == "assistant" and said:
            said[-1] = (said[-1][0], " ".join(part for part in (said[-1][1], one["content"]) if part))
    return said


def _turn(trace: Trace, at: int, question: str, answer: str, *, last: bool) -> Trace:
    """The trace cut down to one turn; only the last one keeps what happened inside."""
    told = copy.deepcopy(trace.to_dict())
    session = trace.info.trace_metadata.get(SESSION) or trace.info.trace_id
    told["info"]["trace_metadata"] = {**trace.info.trace_metadata, SESSION: session}
    root = next(one for one in told["data"]["spans"] if not one.get("parent_span_id"))
    root["attributes"] |= {INPUTS: json.dumps(question), OUTPUTS: json.dumps(answer)}
    if not last:
        told["data"]["spans"] = [root]
    made = Trace.from_dict(told)
    made.info.request_time = trace.info.request_time + at
    return made
