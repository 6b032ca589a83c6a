"""What failed loggings leave behind in MLflow, and its removal."""

from typing import TYPE_CHECKING

from mlflow.entities import LoggedModel

from services import audit, jobs
from services.agents.records import JOB_TAG, pages
from services.audit import Verb
from services.errors import NotFoundError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


def failed(workspace: "Workspace") -> list[str]:
    """Ids of the app's agent versions that can never be used: failed, or given up in the middle of being logged."""
    with translated(Message("Reading the agents")):
        return [one.model_id for one in pages(workspace) if _dead(workspace, one)]


def remove_failed(workspace: "Workspace") -> int:
    """Delete what failed loggings of this app left in MLflow; returns how many agent versions those were."""
    audit.require(workspace, Verb.REMOVE_FAILED_AGENTS)
    found = failed(workspace)
    if not found:
        return 0
    with audit.change(workspace, Verb.REMOVE_FAILED_AGENTS, workspace.app.id, before=found):
        for model_id in found:
            workspace.client.delete_logged_model(model_id)
    return len(found)


def _dead(workspace: "Workspace", model: LoggedModel) -> bool:
    status = model.status.name
    return status == "FAILED" or (status == "PENDING" and _job_ended(workspace, (model.tags or {}).get(JOB_TAG, "")))


def _job_ended(workspace: "Workspace", id: str) -> bool:
    """Whether the job that was logging it, if it was one of ours, is over."""
    try:
        return id.isdecimal() and not jobs.get(workspace, int(id)).live
    except NotFoundError:
        return False
