"""An evaluation in a run on the workspace, far from the console: its plan and MLflow are all there is.

The console writes beside the plan which app and whom it is for; what is shown and how it failed goes to tags of the
MLflow run, where the console reads it.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import mlflow

import services.processes.early  # noqa: F401 - before threads ask a model
from services import settings as settings_module
from services.apps import App
from services.errors import ConsoleError
from services.evaluations import plan
from services.evaluations.execution import Execution
from services.messages import Message
from services.people import Actor
from services.platforms.databricks.place import VARIABLES
from services.workspace import Workspace, connect

PLACE_FILE = "evaluation/place.json"
SHOWN_TAG, FAILED_TAG = "signalbox.progress", "signalbox.failed"
AGAIN = "again"
SHOW_EVERY = 5.0
# What of the app is decided by releases, and may name secrets.
NOT_TOLD = ("gate", "environment")


def place_of(workspace: Workspace) -> dict[str, Any]:
    """What a run there must know of the console, no secret among it."""
    from services import connection

    settings, place = workspace.settings, connection.chosen_place(workspace)
    environment = {variable: getattr(place, name) for name, variable in VARIABLES.items()}
    environment |= {"SIGNALBOX_MODEL": settings.model, "SIGNALBOX_JUDGE_MODEL": settings.judge_model}
    app = {one.name: getattr(workspace.app, one.name) for one in fields(App) if one.name not in NOT_TOLD}
    return {"environment": environment, "app": app, "actor": workspace.actor.id}


def main() -> None:
    """The wheel's entry point; its arguments are the MLflow run, and AGAIN for one that somebody lets go on."""
    from services.platforms.databricks import compute

    run_id, *options = sys.argv[1:]
    os.environ.update(compute.inside())
    mlflow.set_tracking_uri(settings_module.DATABRICKS)
    told = json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/{PLACE_FILE}"))
    whole = plan.parsed(json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/{plan.PLAN_FILE}")))
    with tempfile.TemporaryDirectory() as home:
        workspace = _arrived(told, Path(home))
        try:
            with mlflow.start_run(run_id=run_id):
                Execution(workspace, run_id, whole, Shown(workspace, run_id)).take_up(AGAIN in options)
        except ConsoleError as error:
            remedy = error.remedy.to_json() if error.remedy else None
            failed = json.dumps({"message": error.message.to_json(), "remedy": remedy}, ensure_ascii=False)
            workspace.client.set_tag(run_id, FAILED_TAG, failed)
            raise


def _arrived(told: Mapping[str, Any], home: Path) -> Workspace:
    """The app and the person as they were there; its database is an empty one that nothing here asks."""
    own = {
        "SIGNALBOX_PLATFORM": settings_module.DATABRICKS,
        "SIGNALBOX_HOME": str(home),
        "SIGNALBOX_OPERATOR": told["actor"],
    }
    settings = settings_module.load(os.environ | told["environment"] | own)
    workspace = Workspace(connect(settings), Actor(told["actor"], frozenset()), App(**told["app"]))
    os.environ.update(settings.model_environment)
    os.environ["MLFLOW_EXPERIMENT_ID"] = workspace.app.experiment_id
    return workspace


class Shown:
    """Shows how far the work is by a tag, at once and then now and then: each costs a request."""

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        self._workspace, self._run_id = workspace, run_id
        self._shown = float("-inf")

    def progress(self, done: int, total: int, note: Message | None = None) -> None:
        if time.monotonic() - self._shown < SHOW_EVERY:
            return
        self._shown = time.monotonic()
        shown = json.dumps({"done": done, "total": total, "note": note.to_json() if note else None})
        self._workspace.client.set_tag(self._run_id, SHOWN_TAG, shown)
