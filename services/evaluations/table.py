"""The rows of an evaluation, read back from its traces: what was answered, with which prompt, and every score."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from mlflow.entities import Feedback, Trace, TraceState

from services.apps.places import Places
from services.datasets import Row
from services.evaluations.plan import Plan, Slot, messages_of
from services.evaluations.values import Value
from services.messages import Message
from services.playground.prices import price
from services.settings import PRACTICE
from services.traces import loaded_prompts, prompt_seen, prompt_version, stored
from services.traces.prompt_use import MODEL_CALLS
from services.traces.rows import is_bare
from services.traces.story import answer_of, model_of

if TYPE_CHECKING:
    from services.workspace import Workspace

ROWS_FILE = "evaluation/rows.parquet"
SUMMARY_TAG = "signalbox.summary"
# An attempt that was cut off; another run did the evaluation to its end.
INTERRUPTED_TAG = "signalbox.interrupted"
# How far an evaluation came that was cancelled.
STOPPED_TAG = "signalbox.stopped"
ROW_TAG, REPEAT_TAG = "signalbox.row", "signalbox.repeat"
RUN_OF_ASSESSMENT = "mlflow.assessment.sourceRunId"
LONGEST_ERROR = 500
TYPES = {"prompt_version": "Int64", "repeat": int, "input_tokens": "Int64", "output_tokens": "Int64", "cost": float}


def answers(workspace: "Workspace", run_id: str, plan: Plan) -> dict[tuple[str, int], Trace]:
    """The trace of every line that was asked so far, by row and repeat; of a line with several the first."""
    if any(slot.trace_id for slot in plan.slots):
        kept = {slot.key: stored(workspace, slot.trace_id) for slot in plan.slots}
        return {key: trace for key, trace in kept.items() if trace is not None}
    found = mlflow.search_traces(
        locations=[workspace.app.experiment_id], run_id=run_id, include_spans=True, return_type="list"
    )
    told = [trace for trace in found if not is_bare(trace.info) and trace.info.state != TraceState.IN_PROGRESS]
    newest_first = sorted(told, key=lambda trace: -trace.info.request_time)
    return {_key(trace): trace for trace in newest_first}


def answered(trace: Trace) -> bool:
    return bool(trace.info.state == TraceState.OK)


def line_of(trace: Trace) -> str:
    """Which line of the table an asked trace is, as one word."""
    row, repeat = _key(trace)
    return f"{row}:{repeat}"


def read(
    plan: Plan,
    traces: Mapping[tuple[str, int], Trace],
    run_id: str,
    scorers: Mapping[str, Value],
    prompt_name: str,
    template: str,
) -> pd.DataFrame:
    """One line per row of the plan and repeat, also for one that left no trace."""
    places = plan.asked.places
    lines = [_line(slot, traces.get(slot.key), run_id, scorers, prompt_name, template, places) for slot in plan.slots]
    return pd.DataFrame(lines).astype(TYPES)


def summary(table: pd.DataFrame, scorers: Mapping[str, Value]) -> dict[str, Any]:
    """The numbers of the whole run; a failed row is a failure of every scorer."""
    answered = table[table["state"] == "OK"]
    versions = set(answered["prompt_version"].dropna().astype(int))
    complete = len(answered) > 0 and answered["prompt_version"].notna().all()
    return {
        "rows": len(table),
        "failed": len(table) - len(answered),
        "prompt_version": versions.pop() if complete and len(versions) == 1 else None,
        "prompt_seen": bool(len(answered) and answered["prompt_seen"].all()),
        "scores": {name: value.score(table, name) for name, value in scorers.items()},
    }


def loaded(traces: Iterable[Trace]) -> list[str]:
    """The full names of the prompts that were loaded for any of the answers."""
    return sorted({name for trace in traces for name, _version in loaded_prompts(trace)})


def practice_answered(traces: Iterable[Trace]) -> bool:
    """Whether the built-in practice model gave any of the answers: the traces name the model that was asked."""
    calls = (span for trace in traces for span in trace.data.spans if span.span_type in MODEL_CALLS)
    return any(model_of(span) == PRACTICE for span in calls)


def keep(run_id: str, table: pd.DataFrame, whole: dict[str, Any]) -> None:
    """Store rows and numbers with the run."""
    client = mlflow.MlflowClient()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / Path(ROWS_FILE).name
        table.to_parquet(file, index=False)
        client.log_artifact(run_id, str(file), str(Path(ROWS_FILE).parent))
    client.set_tag(run_id, SUMMARY_TAG, json.dumps(whole, ensure_ascii=False))


def feedback_of(trace: Trace, run_id: str) -> list[Feedback]:
    """What each scorer of this run said last; a trace that was scored elsewhere carries others too."""
    given = [
        one
        for one in trace.info.assessments
        if isinstance(one, Feedback)
        and (one.metadata or {}).get(RUN_OF_ASSESSMENT) == run_id
        and one.valid is not False
    ]
    given.sort(key=lambda one: one.create_time_ms or 0)
    return list({one.name: one for one in given}.values())


def expectations(row: Row) -> dict[str, Any]:
    """What a scorer may compare an answer with, under the names that MLflow's own scorers know."""
    told = {
        "expected_response": row.expected,
        "expected_facts": list(row.expected_facts),
        "guidelines": list(row.guidelines),
    }
    return {name: value for name, value in told.items() if value}


def _key(trace: Trace) -> tuple[str, int]:
    tags = trace.info.tags
    return str(tags.get(ROW_TAG)), int(tags.get(REPEAT_TAG, "1"))


def _line(
    slot: Slot,
    trace: Trace | None,
    run_id: str,
    scorers: Mapping[str, Value],
    prompt_name: str,
    template: str,
    places: Places,
) -> dict[str, Any]:
    row, whole = slot.row, messages_of(slot.row)
    known = {
        "row_id": row.id,
        "repeat": slot.repeat,
        "question": row.question,
        "messages": json.dumps(whole, ensure_ascii=False) if len(whole) > 1 else "",
        "expected": row.expected,
        "critical": row.critical,
        "topic": row.topic,
        "language": row.language,
        "split": row.split,
    }
    if trace is None:
        return known | _unanswered("The agent left no trace of an answer.") | _failed_scores(scorers)
    ok = trace.info.state == TraceState.OK
    usage = trace.info.token_usage or {}
    told = {
        "answer": answer_of(trace, places),
        "state": "OK" if ok else "ERROR",
        "error": "" if ok else _error(trace),
        "trace_id": trace.info.trace_id,
        "prompt_version": prompt_version(trace, prompt_name) if prompt_name else None,
        "prompt_seen": bool(prompt_name) and prompt_seen(trace, template),
        "seconds": (trace.info.execution_duration or 0) / 1000,
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cost": _cost(trace),
    }
    return known | told | (_scores(trace, run_id, scorers) if ok else _failed_scores(scorers))


def _unanswered(reason: str) -> dict[str, Any]:
    return {
        "answer": "",
        "state": "ERROR",
        "error": reason,
        "trace_id": "",
        "prompt_version": None,
        "prompt_seen": False,
        "seconds": 0.0,
        "input_tokens": None,
        "output_tokens": None,
        "cost": None,
    }


def _cost(trace: Trace) -> float | None:
    """US dollars by the price list; None as soon as one call's model or tokens are not known."""
    costs = []
    for span in trace.data.spans:
        if span.span_type not in MODEL_CALLS:
            continue
        listed = price(model_of(span))
        usage = span.attributes.get("mlflow.chat.tokenUsage")
        costs.append(listed.of(usage["input_tokens"], usage["output_tokens"]) if listed and usage else None)
    known = [cost for cost in costs if cost is not None]
    return sum(known) if costs and len(known) == len(costs) else None


def _failed_scores(scorers: Mapping[str, Value]) -> dict[str, Any]:
    why = Message("The question was not answered.")
    scores: dict[str, Any] = {}
    for name, value in scorers.items():
        scores |= _told(name, value.failed, str(why), _stored(why), "" if value.failed is False else str(why))
    return scores


def _scores(trace: Trace, run_id: str, scorers: Mapping[str, Value]) -> dict[str, Any]:
    """The scores that this run gave."""
    said = {one.name: one for one in feedback_of(trace, run_id)}
    scores: dict[str, Any] = {}
    for name, value in scorers.items():
        scores |= _scored(name, value, said.get(name))
    return scores


def _scored(name: str, value: Value, feedback: Feedback | None) -> dict[str, Any]:
    if feedback is None:
        why = Message("The scorer gave no value.")
        return _told(name, None, str(why), _stored(why), str(why))
    reason = (feedback.metadata or {}).get("signalbox.reason")
    if feedback.error is not None:
        said = str(feedback.error.error_message or feedback.error.error_code)[:LONGEST_ERROR]
        return _told(name, None, said, reason, said)
    read = value.read(feedback.value)
    if read is None:
        why = Message("The scorer gave “{value}”, which is no score.", value=str(feedback.value)[:60])
        return _told(name, None, str(why), _stored(why), str(why))
    return _told(name, read, feedback.rationale or "", reason, "")


def _told(name: str, value: Any, rationale: str, reason: str | None, error: str) -> dict[str, Any]:
    return {name: value, f"{name}.rationale": rationale, f"{name}.reason": reason, f"{name}.error": error}


def _stored(reason: Message) -> str:
    return json.dumps(reason.to_json(), ensure_ascii=False)


def _error(trace: Trace) -> str:
    """What the innermost failing span says, in one line."""
    events = [event for span in reversed(trace.data.spans) for event in span.events if event.name == "exception"]
    said = str((events[0].attributes or {}).get("exception.message", "")) if events else ""
    return (said.strip().splitlines() or ["It failed without a reason."])[0][:LONGEST_ERROR]
