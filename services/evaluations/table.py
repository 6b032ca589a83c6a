"""The rows of an evaluation, read back from its traces: what was answered, with which prompt, and every score."""

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from mlflow.entities import Feedback, Trace, TraceState

from services.datasets import Row
from services.scorers import answer_text
from services.traces import prompt_seen, prompt_version

if TYPE_CHECKING:
    from services.workspace import Workspace

ROWS_FILE = "evaluation/rows.parquet"
SUMMARY_TAG = "signalbox.summary"
# An attempt that was cut off; another run did the evaluation to its end.
INTERRUPTED_TAG = "signalbox.interrupted"
ROW_TAG = "signalbox.row"
RUN_OF_ASSESSMENT = "mlflow.assessment.sourceRunId"
LONGEST_ERROR = 500


def read(
    workspace: "Workspace", run_id: str, rows: Sequence[Row], scorers: Sequence[str], prompt_name: str, template: str
) -> pd.DataFrame:
    """One line per row of the dataset, also for a row that left no trace."""
    found = mlflow.search_traces(
        locations=[workspace.app.experiment_id], run_id=run_id, include_spans=True, return_type="list"
    )
    traces = {str(trace.info.tags.get(ROW_TAG)): trace for trace in found}
    lines = [_line(row, traces.get(row.id), run_id, scorers, prompt_name, template) for row in rows]
    return pd.DataFrame(lines).astype({"prompt_version": "Int64"})


def summary(table: pd.DataFrame, scorers: Iterable[str]) -> dict[str, Any]:
    """The numbers of the whole run; a failed row is a failure of every scorer."""
    answered = table[table["state"] == "OK"]
    versions = set(answered["prompt_version"].dropna().astype(int))
    complete = len(answered) > 0 and answered["prompt_version"].notna().all()
    return {
        "rows": len(table),
        "failed": len(table) - len(answered),
        "prompt_version": versions.pop() if complete and len(versions) == 1 else None,
        "prompt_seen": bool(len(answered) and answered["prompt_seen"].all()),
        "scores": {name: _score(table, answered, name) for name in scorers},
    }


def keep(run_id: str, table: pd.DataFrame, whole: dict[str, Any]) -> None:
    """Store rows and numbers with the run."""
    client = mlflow.MlflowClient()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / Path(ROWS_FILE).name
        table.to_parquet(file, index=False)
        client.log_artifact(run_id, str(file), str(Path(ROWS_FILE).parent))
    client.set_tag(run_id, SUMMARY_TAG, json.dumps(whole))


def _score(table: pd.DataFrame, answered: pd.DataFrame, name: str) -> tuple[float, int, int]:
    """Mean, judged rows, rows."""
    passed = int(answered[name].eq(True).sum())
    return round(passed / len(table), 4), int(answered[name].notna().sum()), len(table)


def _line(
    row: Row, trace: Trace | None, run_id: str, scorers: Sequence[str], prompt_name: str, template: str
) -> dict[str, Any]:
    known = {
        "row_id": row.id,
        "question": row.question,
        "expected": row.expected,
        "critical": row.critical,
        "topic": row.topic,
        "language": row.language,
    }
    if trace is None:
        return known | _unanswered("The agent left no trace of an answer.") | _failed_scores(scorers)
    ok = trace.info.state == TraceState.OK
    told = {
        "answer": answer_text(trace.data.spans[0].outputs) if trace.data.spans else "",
        "state": "OK" if ok else "ERROR",
        "error": "" if ok else _error(trace),
        "trace_id": trace.info.trace_id,
        "prompt_version": prompt_version(trace, prompt_name),
        "prompt_seen": prompt_seen(trace, template),
        "seconds": (trace.info.execution_duration or 0) / 1000,
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
    }


def _failed_scores(scorers: Sequence[str]) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for name in scorers:
        scores |= {name: False, f"{name}.rationale": "The question was not answered.", f"{name}.reason": None}
    return scores


def _scores(trace: Trace, run_id: str, scorers: Sequence[str]) -> dict[str, Any]:
    """The scores that this run gave; a trace that was scored again later carries others too."""
    given = {
        one.name: one
        for one in trace.info.assessments
        if isinstance(one, Feedback)
        and (one.metadata or {}).get(RUN_OF_ASSESSMENT) == run_id
        and one.valid is not False
    }
    scores: dict[str, Any] = {}
    for name in scorers:
        scores |= _scored(name, given.get(name))
    return scores


def _scored(name: str, feedback: Feedback | None) -> dict[str, Any]:
    if feedback is None:
        return {name: None, f"{name}.rationale": "The scorer gave no value.", f"{name}.reason": None}
    reason = (feedback.metadata or {}).get("signalbox.reason")
    if feedback.error is not None:
        return {
            name: None,
            f"{name}.rationale": str(feedback.error.error_message)[:LONGEST_ERROR],
            f"{name}.reason": reason,
        }
    return {name: bool(feedback.value), f"{name}.rationale": feedback.rationale or "", f"{name}.reason": reason}


def _error(trace: Trace) -> str:
    """What the innermost failing span says, in one line."""
    events = [event for span in reversed(trace.data.spans) for event in span.events if event.name == "exception"]
    said = str((events[0].attributes or {}).get("exception.message", "")) if events else ""
    return (said.strip().splitlines() or ["It failed without a reason."])[0][:LONGEST_ERROR]
