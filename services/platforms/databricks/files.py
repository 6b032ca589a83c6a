"""The files kept with an app's experiment: a workspace keeps files only with a run, so one run holds them."""

import threading
from typing import TYPE_CHECKING

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from services.errors import translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

TAG = "signalbox.kind"
FILES = "files"
_known: dict[tuple[str, str], str] = {}
_lock = threading.Lock()


def repository(workspace: "Workspace") -> ArtifactRepository:
    """Where the experiment's files are; the run is made once and never changes."""
    access, experiment_id = workspace.settings.databricks, workspace.app.experiment_id
    key = (access.host if access else "", experiment_id)
    with _lock, translated(Message("Looking for the files of the experiment")):
        if key not in _known:
            _known[key] = _oldest(workspace) or _made(workspace)
        return get_artifact_repository(_known[key])


def _oldest(workspace: "Workspace") -> str | None:
    """The first one, should two processes have made one at the same time."""
    found = workspace.client.search_runs(
        [workspace.app.experiment_id],
        f"tags.`{TAG}` = '{FILES}'",
        order_by=["attributes.start_time ASC"],
        max_results=1,
    )
    return str(found[0].info.artifact_uri) if found else None


def _made(workspace: "Workspace") -> str:
    made = workspace.client.create_run(workspace.app.experiment_id, tags={TAG: FILES}, run_name="Signalbox files")
    workspace.client.set_terminated(made.info.run_id)
    return _oldest(workspace) or str(made.info.artifact_uri)
