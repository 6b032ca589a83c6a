"""The evaluation job: one attempt is one MLflow run; an attempt that was cut off is closed before the next begins."""

import json
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.genai.scorers import Scorer

from services import agents, audit, datasets, prompts, scorers
from services.audit import Verb
from services.database import writing
from services.datasets import DatasetVersion, Row
from services.errors import NotReadyError, PlatformError, translated
from services.evaluations import leftovers, table
from services.evaluations.table import INTERRUPTED_TAG
from services.jobs import Cancelled, Superseded
from services.messages import Message

if TYPE_CHECKING:
    from services.agents import AgentVersion
    from services.jobs import Work
    from services.scorers import ScorerSpec
    from services.workspace import Workspace

LOST_AFTER = 8
ENVIRONMENT = {
    "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": "0",
    "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION": "true",
    "MLFLOW_GENAI_EVAL_MAX_WORKERS": "4",
    "MLFLOW_GENAI_EVAL_MAX_RETRIES": "1",
    "MLFLOW_GENAI_EVAL_ENABLE_SCORER_TRACING": "false",
}


class Hopeless(BaseException):
    """Every question so far failed; not an Exception, so that MLflow's harness does not swallow it."""


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “evaluate”; its result is {"run_id": …}."""
    earlier = _close_earlier(workspace, work)
    if earlier:
        return {"run_id": earlier}
    args = work.args
    agent = agents.get(workspace, args["model_id"])
    dataset = datasets.snapshot(workspace, args["dataset_id"])
    if "run_id" in work.checkpoint:
        begun = workspace.client.get_run(work.checkpoint["run_id"]).info.start_time
        leftovers.name(workspace, begun, dataset.rows)
    specs = scorers.all(workspace)
    if not specs:
        raise NotReadyError(
            Message("There are no scorers."), Message("Make one on the Scorers screen: it says what a good answer is.")
        )
    if any(scorers.needs_judge(spec) for spec in specs):
        work.progress(0, len(dataset.rows), Message("Asking the judge"))
        scorers.check_judge(workspace)
    work.progress(0, len(dataset.rows), Message("Loading the agent"))
    with audit.change(workspace, Verb.EVALUATE, agent.name, after={**args, "dataset_sha256": dataset.sha256}):
        return {"run_id": _attempt(workspace, work, agent, dataset, specs)}


def _close_earlier(workspace: "Workspace", work: "Work") -> str | None:
    """Close the run of an attempt that was cut off; its id if it was finished and only the job's end was lost."""
    run_id = work.checkpoint.get("run_id")
    if run_id is None:
        return None
    found = workspace.client.get_run(run_id)
    if found.info.status == "FINISHED" and table.SUMMARY_TAG in found.data.tags:
        return str(run_id)
    if found.info.status in ("RUNNING", "FINISHED"):
        workspace.client.set_tag(run_id, INTERRUPTED_TAG, "true")
        workspace.client.set_terminated(run_id, "KILLED")
    return None


def _attempt(
    workspace: "Workspace", work: "Work", agent: "AgentVersion", dataset: DatasetVersion, specs: "Sequence[ScorerSpec]"
) -> str:
    """Everything happens inside the run, so that it is called finished only when its rows are kept."""
    tally = Tally(work, len(dataset.rows), len(specs))
    run_id = _open(workspace, work, agent, dataset, specs)
    try:
        with mlflow.start_run(run_id=run_id):
            _evaluate(workspace, work, tally, dataset.rows, specs)
            _finish(workspace, work, agent, run_id, dataset, specs)
    except Hopeless:
        raise _none_answered(tally.first_error) from None
    except (Cancelled, Superseded):
        workspace.client.set_terminated(run_id, "KILLED")
        raise
    return run_id


def _open(
    workspace: "Workspace", work: "Work", agent: "AgentVersion", dataset: DatasetVersion, specs: "Sequence[ScorerSpec]"
) -> str:
    """Create the run and remember it before anything else happens."""
    args, settings = work.args, workspace.settings
    asked = {
        "model_id": agent.model_id, "prompt_name": agent.prompt_name, "requested_version": args["prompt_version"],
        "dataset_id": args["dataset_id"], "dataset_name": datasets.get(workspace, args["dataset_id"]).name,
        "dataset_sha256": dataset.sha256, "scorers": {spec.name: spec.version for spec in specs},
        "practice": settings.practice, "actor": workspace.actor.id, "job_id": work.job.id,
    }  # fmt: skip
    tags = {"signalbox.kind": "evaluation", "signalbox.app": workspace.app.id, "signalbox.asked": json.dumps(asked)}
    name = f"{agent.name} · {agent.prompt_name} v{args['prompt_version']}"
    with translated(Message("Starting the evaluation")):
        made = workspace.client.create_run(workspace.app.experiment_id, tags=tags, run_name=name)
    work.save({"run_id": made.info.run_id})
    return str(made.info.run_id)


def _evaluate(
    workspace: "Workspace",
    work: "Work",
    tally: "Tally",
    rows: Sequence[Row],
    specs: "Sequence[ScorerSpec]",
) -> None:
    """Ask and score every row with MLflow's own harness, inside the run.

    Tags travel with the trace instead of being written after it, and expected answers stay in the dataset: on SQLite
    every write of its own costs as much as asking the question. Autologging would add a second span per model call.
    """
    mlflow.openai.autolog(disable=True)
    loaded = agents.load(workspace, work.args["model_id"], work.args["prompt_version"])
    built: list[Scorer] = [scorers.build(spec, workspace, tally.scored) for spec in specs]
    tags = {"signalbox.origin": "evaluation", "signalbox.app": workspace.app.id}

    def answer(input: list[dict[str, Any]]) -> Any:  # MLflow hands over the row's inputs by name
        row = {table.ROW_TAG: datasets.row_id(input[-1]["content"])}
        with tally.asking(), mlflow.tracing.context(tags=tags | row):
            return loaded.predict({"input": input})

    os.environ.update(ENVIRONMENT)
    data = [{"inputs": datasets.inputs(row.question)} for row in rows]
    with translated(Message("Evaluating")):
        mlflow.genai.evaluate(data=data, predict_fn=answer, scorers=built, model_id=work.args["model_id"])
        mlflow.flush_trace_async_logging()


def _finish(
    workspace: "Workspace",
    work: "Work",
    agent: "AgentVersion",
    run_id: str,
    dataset: DatasetVersion,
    specs: "Sequence[ScorerSpec]",
) -> None:
    """Read the rows back from the traces and keep them; an evaluation without one answer is an error."""
    names = [spec.name for spec in specs]
    template = prompts.version(workspace, agent.prompt_name, work.args["prompt_version"]).source
    with translated(Message("Reading the answers back")):
        rows = table.read(workspace, run_id, dataset.rows, names, workspace.full_name(agent.prompt_name), template)
        whole = table.summary(rows, names)
    if whole["failed"] == whole["rows"]:
        raise _none_answered(str(rows["error"].iloc[0]))
    with translated(Message("Keeping the rows")):
        table.keep(run_id, rows, whole)
    with writing(workspace.engine) as connection:
        work.fence(connection)


def _none_answered(reason: str) -> PlatformError:
    return PlatformError(
        Message("No question could be answered: {reason}", reason=reason),
        Message("Check that the model is running and the agent works: try one question on the Agents screen."),
        retryable=True,
    )


class Tally:
    """Counts answers and scores from MLflow's threads; every count may stop the work."""

    def __init__(self, work: "Work", rows: int, scorers: int) -> None:
        self.first_error = ""
        self._work, self._rows, self._scorers = work, rows, scorers
        self._answered = self._failed = self._scored = 0
        self._lock = threading.Lock()

    def asking(self) -> "_Asking":
        return _Asking(self)

    def answered(self, error: Exception | None) -> None:
        with self._lock:
            self._answered += error is None
            self._failed += error is not None
            self.first_error = self.first_error or (str(error).strip().splitlines() or [""])[0]
            if error is not None and self._answered == 0 and self._failed >= min(LOST_AFTER, self._rows):
                raise Hopeless
            self._show()

    def scored(self) -> None:
        with self._lock:
            self._scored += 1
            self._show()

    def _show(self) -> None:
        done = min(self._scored // self._scorers, self._rows - 1)
        note = Message(
            "Answered: {answered} of {rows}, failed: {failed}",
            answered=self._answered,
            rows=self._rows,
            failed=self._failed,
        )
        self._work.progress(done, self._rows, note)


class _Asking:
    """One question on its way: its end is counted, its error goes on to MLflow."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, Exception):
            self._tally.answered(error)
