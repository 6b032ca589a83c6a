"""Evaluations: run an agent under a prompt version over a dataset, score every answer, read the rows back."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from services.errors import NotFoundError, NotReadyError, is_missing, translated
from services.evaluations.running import run as run
from services.evaluations.starting import start as start
from services.evaluations.table import INTERRUPTED_TAG, ROWS_FILE, SUMMARY_TAG
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

FINISHED = "FINISHED"


@dataclass(frozen=True)
class Score:
    """`mean` is the share of all `rows` that passed; `judged` of them got a value from the scorer."""

    mean: float
    judged: int
    rows: int


@dataclass(frozen=True)
class Evaluation:
    """One evaluation run; `prompt_version` is what its traces show, None when they disagree or show none."""

    run_id: str
    model_id: str
    prompt_name: str
    prompt_version: int | None
    requested_version: int | None
    dataset_id: str
    dataset_name: str
    dataset_sha256: str
    scorers: Mapping[str, int]
    scores: Mapping[str, Score]
    rows: int
    failed: int
    state: str
    prompt_seen: bool
    practice: bool
    actor: str
    job_id: int
    created_at: datetime
    note: str = field(default="")

    @property
    def finished(self) -> bool:
        """Whether every row was asked and the rows are kept."""
        return self.state == FINISHED and self.rows > 0


def all(workspace: "Workspace", limit: int = 200) -> list[Evaluation]:
    """The app's evaluations, also the ones that failed or still run, newest first.

    An attempt that was cut off is left out: the one that went on in its place stands here.
    """
    with translated(Message("Reading the evaluations")):
        found = workspace.client.search_runs(
            [workspace.app.experiment_id],
            "tags.`signalbox.kind` = 'evaluation'",
            max_results=limit,
            order_by=["start_time DESC"],
        )
    return [_from_mlflow(one) for one in found if INTERRUPTED_TAG not in one.data.tags]


def of_prompt(workspace: "Workspace", name: str, version: int | None = None, limit: int = 200) -> list[Evaluation]:
    """The newest evaluations that asked under the prompt or one version of it, newest first."""
    words = f"tags.`signalbox.kind` = 'evaluation' AND tags.`signalbox.asked` LIKE '%\"prompt_name\": \"{name}\"%'"
    if version is not None:
        words += f" AND tags.`signalbox.asked` LIKE '%\"requested_version\": {version},%'"
    with translated(Message("Reading the evaluations")):
        found = workspace.client.search_runs(
            [workspace.app.experiment_id], words, max_results=limit, order_by=["start_time DESC"]
        )
    return [one for one in map(_from_mlflow, found) if one.prompt_name == name]


def of_agent(workspace: "Workspace", model_id: str, limit: int = 200) -> list[Evaluation]:
    """The newest evaluations of one agent version, newest first, without attempts that were cut off."""
    words = f"tags.`signalbox.kind` = 'evaluation' AND tags.`signalbox.asked` LIKE '%\"model_id\": \"{model_id}\"%'"
    with translated(Message("Reading the evaluations")):
        found = workspace.client.search_runs(
            [workspace.app.experiment_id], words, max_results=limit, order_by=["start_time DESC"]
        )
    return [_from_mlflow(one) for one in found if INTERRUPTED_TAG not in one.data.tags]


def get(workspace: "Workspace", run_id: str) -> Evaluation:
    """One evaluation of this app; raises NotFoundError."""
    missing = NotFoundError(
        Message("There is no evaluation {id} in this app.", id=run_id),
        Message("Choose one from the list of evaluations."),
    )
    try:
        found = workspace.client.get_run(run_id)
    except MlflowException as error:
        if is_missing(error):
            raise missing from error
        with translated(Message("Reading from MLflow")):
            raise
    if found.info.experiment_id != workspace.app.experiment_id or found.data.tags.get("signalbox.kind") != "evaluation":
        raise missing
    return _from_mlflow(found)


def rows(workspace: "Workspace", run_id: str) -> pd.DataFrame:
    """The rows of a finished evaluation, one per question, with the columns row_id, question, expected, answer, state
    (OK or ERROR), error, trace_id, prompt_version, prompt_seen, critical, topic, language, seconds and, per scorer s,
    "s" (True, False or None), "s.rationale" and "s.reason" (the rationale as a stored message, or None)."""
    if not get(workspace, run_id).finished:
        raise NotReadyError(Message("This evaluation has no rows."), Message("It did not finish. Start it again."))
    with translated(Message("Reading the evaluation's rows")):
        return _rows(workspace.settings.tracking_uri, run_id).copy(deep=False)


def reason(row: Mapping[str, Any], scorer: str) -> Message | str:
    """Why a scorer decided so: our own rules' reasons in the reader's language, a judge's as it was written."""
    stored = row.get(f"{scorer}.reason")
    return (
        Message.from_json(json.loads(stored)) if isinstance(stored, str) else str(row.get(f"{scorer}.rationale") or "")
    )


@functools.lru_cache(maxsize=16)
def _rows(tracking_uri: str, run_id: str) -> pd.DataFrame:
    """A finished run's rows never change."""
    return pd.read_parquet(
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=ROWS_FILE, tracking_uri=tracking_uri)
    )


def _from_mlflow(found: Run) -> Evaluation:
    tags = found.data.tags
    asked = json.loads(tags["signalbox.asked"])
    summary: dict[str, Any] = json.loads(tags.get(SUMMARY_TAG) or "{}")
    return Evaluation(
        run_id=found.info.run_id,
        **asked,
        prompt_version=summary.get("prompt_version"),
        scores={name: Score(*score) for name, score in summary.get("scores", {}).items()},
        rows=int(summary.get("rows", 0)),
        failed=int(summary.get("failed", 0)),
        prompt_seen=bool(summary.get("prompt_seen")),
        note=tags.get("signalbox.error", ""),
        state=found.info.status,
        created_at=datetime.fromtimestamp(found.info.start_time / 1000, UTC),
    )
