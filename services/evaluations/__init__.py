"""Evaluations: run an agent under a prompt version over a dataset, score every answer, read the rows back."""

from typing import TYPE_CHECKING

import pandas as pd
from mlflow.entities import Run

from services.errors import NotFoundError, existing, translated
from services.evaluations import reading
from services.evaluations.plan import Choice as Choice
from services.evaluations.reading import reason as reason
from services.evaluations.records import FINISHED as FINISHED
from services.evaluations.records import MADE_BY_MLFLOW, RUN_TYPE, Evaluation, from_mlflow, is_ours, is_outside
from services.evaluations.records import Score as Score
from services.evaluations.running import run as run
from services.evaluations.sources import Source as Source
from services.evaluations.starting import go_on as go_on
from services.evaluations.starting import start as start
from services.evaluations.starting import stopped_at as stopped_at
from services.evaluations.table import INTERRUPTED_TAG
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

OURS = "tags.`signalbox.kind` = 'evaluation'"


def all(workspace: "Workspace", limit: int = 200) -> list[Evaluation]:
    """The app's evaluations, also the ones that failed or still run, newest first.

    An attempt that was cut off is left out: the one that went on in its place stands here.
    """
    return _found(workspace, OURS, limit)


def outside(workspace: "Workspace", limit: int = 200) -> list[Evaluation]:
    """The evaluations that notebooks and other tools made in the app's experiment, newest first."""
    return [one for one in _found(workspace, f"tags.`{RUN_TYPE}` = '{MADE_BY_MLFLOW}'", limit) if one.outside]


def listed(workspace: "Workspace", limit: int = 200) -> list[Evaluation]:
    """What can be read here, whoever made it, newest first."""
    found = [*all(workspace, limit), *outside(workspace, limit)]
    return sorted(found, key=lambda one: one.created_at, reverse=True)


def of_prompt(workspace: "Workspace", name: str, version: int | None = None, limit: int = 200) -> list[Evaluation]:
    """The newest evaluations that asked under the prompt or one version of it, newest first."""
    words = f'{OURS} AND tags.`signalbox.asked` LIKE \'%"prompt_name": "{name}"%\''
    if version is not None:
        words += f" AND tags.`signalbox.asked` LIKE '%\"requested_version\": {version},%'"
    return [one for one in _found(workspace, words, limit, cut_off=True) if one.prompt_name == name]


def of_agent(workspace: "Workspace", model_id: str, limit: int = 200) -> list[Evaluation]:
    """The newest evaluations of one agent version, newest first, without attempts that were cut off."""
    return _found(workspace, f'{OURS} AND tags.`signalbox.asked` LIKE \'%"model_id": "{model_id}"%\'', limit)


def get(workspace: "Workspace", run_id: str) -> Evaluation:
    """One evaluation of this app, whoever made it; raises NotFoundError."""
    with translated(Message("Reading from MLflow")):
        found = existing(workspace.client.get_run, run_id)
    if (
        found is None
        or found.info.experiment_id != workspace.app.experiment_id
        or not (is_ours(found) or is_outside(found))
    ):
        raise NotFoundError(
            Message("There is no evaluation {id} in this app.", id=run_id),
            Message("Choose one from the list of evaluations."),
        )
    return from_mlflow(found)


def rows(workspace: "Workspace", run_id: str) -> pd.DataFrame:
    """The rows of a finished evaluation, one per question and repeat; docs/evaluations.md names their columns."""
    return reading.rows(workspace, get(workspace, run_id))


def _found(workspace: "Workspace", words: str, limit: int, cut_off: bool = False) -> list[Evaluation]:
    with translated(Message("Reading the evaluations")):
        found: list[Run] = workspace.client.search_runs(
            [workspace.app.experiment_id], words, max_results=limit, order_by=["start_time DESC"]
        )
    return [from_mlflow(one) for one in found if cut_off or INTERRUPTED_TAG not in one.data.tags]
