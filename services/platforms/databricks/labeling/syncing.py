"""A labeling session becomes rows of a dataset, by the session's own sync: its questions with the right answers people wrote."""

from typing import TYPE_CHECKING, Any

import mlflow

from services import audit, jobs
from services.audit import Verb
from services.datasets import stored, unfinished, versions
from services.datasets.managed import ManagedDataset
from services.errors import NotReadyError
from services.jobs import Job
from services.messages import Message
from services.platforms.databricks.labeling import making, sessions

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

KIND = "sync_labels"
DOING = Message("Bringing the labeling session into the dataset")
# The SDK reads each trace on its own.
SECONDS = 1800.0


def start(workspace: "Workspace", id: str, dataset_id: str) -> Job:
    """Queue it; raises NotFoundError, and NotReadyError for a dataset that the workspace does not keep itself."""
    audit.require(workspace, Verb.SAVE_DATASET)
    session, _progress = sessions.get(workspace, id)
    found = _managed(workspace, dataset_id)
    args = {"session": session.id, "name": session.name, "dataset_id": dataset_id, "dataset": found.name}
    return jobs.submit(workspace, KIND, args, exclusive=f"{KIND}:{workspace.app.id}:{session.id}:{dataset_id}")


def latest(workspace: "Workspace", id: str) -> Job | None:
    """The newest one for this session, also when it is running or failed."""
    return next((one for one in jobs.recent(workspace, KIND) if one.args["session"] == id), None)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “sync_labels”; another attempt adds nothing twice."""
    id, dataset_id = work.args["session"], work.args["dataset_id"]
    found = _managed(workspace, dataset_id)
    there = stored.distinct(stored.read(found))
    before = versions.keep(workspace, there) if there else None
    was = versions.told(dataset_id, before) if before else None
    work.progress(0, 1, DOING)
    with audit.change(workspace, Verb.SAVE_DATASET, found.name, before=was) as change:
        if before:
            versions.notice(workspace, found, before)
        try:
            making.step(lambda: making.session(workspace, id).sync_expectations(dataset_id), DOING, SECONDS)
        finally:
            # The SDK names its own address for the whole process.
            mlflow.set_tracking_uri(workspace.settings.tracking_uri)
        after = stored.distinct(stored.read(stored.load(workspace, dataset_id)))
        change.after = versions.told(dataset_id, versions.keep(workspace, after)) if after else None
    known = {row.id: row for row in there}
    return {"rows": sum(known.get(row.id) != row for row in after)}


def _managed(workspace: "Workspace", dataset_id: str) -> ManagedDataset:
    unfinished.refuse_half(workspace, dataset_id)
    found = stored.load(workspace, dataset_id)
    if not isinstance(found, ManagedDataset):
        raise NotReadyError(
            Message("This workspace keeps the dataset {name} as a file, which a labeling session cannot reach.", name=found.name),
            Message("Add the answers from a review queue, or choose a dataset of the catalog."),
        )  # fmt: skip
    return found
