"""The MLflow experiments behind the apps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow.entities import ViewType
from sqlalchemy import select

from services.database import app as table
from services.errors import translated
from services.messages import Message
from services.platforms.databricks.access import Access
from services.platforms.databricks.place import Place

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Experiment:
    """An MLflow experiment that no app uses yet."""

    id: str
    name: str


def unused_experiments(workspace: "Workspace") -> list[Experiment]:
    """The MLflow experiments that could be adopted."""
    with translated(Message("Reading the experiments")):
        found = workspace.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    with workspace.engine.connect() as connection:
        used = set(connection.execute(select(table.c.experiment_id)).scalars())
    return [Experiment(one.experiment_id, one.name) for one in found if one.experiment_id not in used]


def own_experiment(workspace: "Workspace", id: str) -> str:
    """The app's experiment, found again when an earlier attempt had already made it; its folder is absolute."""
    if workspace.settings.databricks is not None:
        return _on_workspace(workspace, workspace.settings.databricks, id)
    found = workspace.client.get_experiment_by_name(id)
    if found is not None:
        return str(found.experiment_id)
    folder = workspace.settings.home / "artifacts" / id
    # A server has a place of its own for files; a database that is reached directly has none.
    location = None if workspace.settings.tracking_uri.startswith("http") else folder.as_uri()
    return str(workspace.client.create_experiment(id, artifact_location=location))


def refuse_git_folder(workspace: "Workspace", experiment_id: str) -> None:
    """Raise InvalidInputError for an experiment of a Git folder: it goes with the branch, and no agent may write it."""
    from services.connection.making import refuse_git_folder as refuse

    if workspace.settings.databricks is not None:
        with translated(Message("Reading the experiment")):
            name = str(workspace.client.get_experiment(experiment_id).name)
        refuse(workspace.settings.databricks, name)


def _on_workspace(workspace: "Workspace", access: Access, id: str) -> str:
    """By its absolute path in the chosen folder, which no SDK would make."""
    from services import connection
    from services.connection.making import make_missing

    place = connection.chosen_place(workspace)
    path = f"{place.experiments}/{id}"
    found = workspace.client.get_experiment_by_name(path)
    if found is not None:
        return str(found.experiment_id)
    make_missing(access, Place(folder=place.folder))
    return str(workspace.client.create_experiment(path))
