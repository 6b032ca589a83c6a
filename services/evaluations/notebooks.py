"""The rows of an evaluation that a notebook or another tool made, read from its traces; nothing of ours is needed."""

import json
from collections.abc import Iterable
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Expectation, Feedback, Trace, TraceState

from services import datasets
from services.apps.places import Places
from services.datasets import shapes
from services.evaluations.records import NUMBER, PASS, TEXT, Score
from services.evaluations.table import LONGEST_ERROR, RUN_OF_ASSESSMENT
from services.traces.story import answer_of, request_of

YES, NO = "yes", "no"


def read(experiment_id: str, run_id: str, places: Places) -> pd.DataFrame:
    """One line per trace of the run, in the order they were asked, with the columns of our own rows."""
    found = mlflow.search_traces(locations=[experiment_id], run_id=run_id, include_spans=True, return_type="list")
    traces: list[Trace] = sorted(found, key=lambda trace: trace.info.request_time)
    given = [_given(trace, run_id) for trace in traces]
    kinds = _kinds(given)
    lines, seen = [], dict[str, int]()
    for trace, feedback in zip(traces, given, strict=True):
        line = _line(trace, places)
        seen[line["row_id"]] = seen.get(line["row_id"], 0) + 1
        line["repeat"] = seen[line["row_id"]]
        for name, kind in kinds.items():
            line |= _scored(name, kind, feedback.get(name), line["state"] == "OK")
        lines.append(line)
    return pd.DataFrame(lines)


def scores(rows: pd.DataFrame, kinds: dict[str, str]) -> dict[str, Score]:
    """Our numbers; a scorer that never looks at a row (one that judges whole sessions) leaves that row out."""
    return {name: _score(rows, name, kind) for name, kind in kinds.items()}


def _score(rows: pd.DataFrame, name: str, kind: str) -> Score:
    failed = rows["state"].ne("OK")
    judged = rows[name].notna() & ~failed
    counted = rows[judged | failed | rows[f"{name}.error"].ne("")]
    if kind == PASS:
        mean = float(counted[name].eq(True).mean()) if len(counted) else None
    else:
        values = rows.loc[judged, name]
        mean = float(values.astype(float).mean()) if kind == NUMBER and len(values) else None
    return Score(mean, int(judged.sum()), len(counted), kind, int(failed.sum()))


def _given(trace: Trace, run_id: str) -> dict[str, Feedback]:
    """What this run's scorers said; a trace may carry those of other runs and of people too."""
    return {
        one.name: one
        for one in trace.info.assessments
        if isinstance(one, Feedback)
        and (one.metadata or {}).get(RUN_OF_ASSESSMENT) == run_id
        and one.valid is not False
    }


def _kinds(given: Iterable[dict[str, Feedback]]) -> dict[str, str]:
    """What each scorer gives: yes and no, numbers, or words of its own."""
    values: dict[str, list[Any]] = {}
    for feedback in given:
        for name, one in feedback.items():
            values.setdefault(name, []).extend([] if one.value is None else [one.value])
    return {name: _kind(found) for name, found in sorted(values.items())}


def _kind(values: list[Any]) -> str:
    if all(_passed(value) is not None for value in values):
        return PASS
    return NUMBER if all(isinstance(value, bool | int | float) for value in values) else TEXT


def _passed(value: Any) -> bool | None:
    """As MLflow counts it: yes, in capitals or not, is 1."""
    if isinstance(value, str) and value.lower() in (YES, NO):
        return value.lower() == YES
    return value if isinstance(value, bool) else None


def _scored(name: str, kind: str, feedback: Feedback | None, answered: bool) -> dict[str, Any]:
    error = (
        str(feedback.error.error_message or feedback.error.error_code)[:LONGEST_ERROR]
        if feedback and feedback.error
        else ""
    )
    value = None if feedback is None or feedback.error else _value(feedback.value, kind)
    said = (feedback.rationale or "") if feedback else ""
    if not answered:
        value, said = (False if kind == PASS else None), "The question was not answered."
    return {name: value, f"{name}.rationale": error or said, f"{name}.reason": None, f"{name}.error": error}


def _value(value: Any, kind: str) -> Any:
    if value is None or kind == PASS:
        return _passed(value)
    return float(value) if kind == NUMBER else str(value)


def _line(trace: Trace, places: Places) -> dict[str, Any]:
    info, usage = trace.info, trace.info.token_usage or {}
    messages = _messages(request_of(trace, places), info.request_preview or "")
    ok = info.state != TraceState.ERROR
    return {
        "row_id": datasets.request_id(messages),
        "repeat": 1,
        "question": messages[-1]["content"],
        "messages": json.dumps(messages, ensure_ascii=False) if len(messages) > 1 else "",
        "expected": _expected(trace),
        "critical": False,
        "topic": "",
        "language": "",
        "split": "",
        "answer": answer_of(trace, places) or info.response_preview or "",
        "state": "OK" if ok else "ERROR",
        "error": "" if ok else _error(trace),
        "trace_id": info.trace_id,
        "prompt_version": None,
        "prompt_seen": False,
        "seconds": (info.execution_duration or 0) / 1000,
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cost": float("nan"),
    }


def _messages(asked: Any, preview: str) -> list[dict[str, str]]:
    """What was asked, in the shape that the datasets know, so that the same question has the same id everywhere."""
    if isinstance(asked, dict) and asked:
        return shapes.messages(asked)
    return [{"role": "user", "content": words(asked) or preview}]


def words(value: Any) -> str:
    """A value as people read it, also when it came as a list of parts or under names."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {words(one)}" for name, one in value.items())
    return shapes.text(value) if isinstance(value, list) else "" if value is None else str(value)


def _expected(trace: Trace) -> str:
    found = {one.name: one.value for one in trace.info.assessments if isinstance(one, Expectation)}
    return words(found.get("expected_response", found))


def _error(trace: Trace) -> str:
    events = [event for span in reversed(trace.data.spans) for event in span.events if event.name == "exception"]
    said = str((events[0].attributes or {}).get("exception.message", "")) if events else ""
    return (said.strip().splitlines() or ["It failed without a reason."])[0][:LONGEST_ERROR]
