"""The MLflow experiments behind the apps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow.entities import ViewType
from sqlalchemy import select

from services.database import app as table
from services.errors import translated
from services.messages import Message

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
    found = workspace.client.get_experiment_by_name(id)
    if found is not None:
        return str(found.experiment_id)
    folder = workspace.settings.home / "artifacts" / id
    location = folder.as_uri() if workspace.settings.tracking_uri.startswith("sqlite") else None
    return str(workspace.client.create_experiment(id, artifact_location=location))
