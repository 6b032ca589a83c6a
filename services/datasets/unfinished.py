"""Datasets that a job is writing now, or began to write and left half done: nobody may use them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from services import jobs
from services.datasets import stored, versions
from services.errors import NotReadyError
from services.jobs import Job, State
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

KIND = "save_dataset"
MOST_JOBS = 200


def latest(workspace: "Workspace", id: str) -> Job | None:
    """The newest job that writes this dataset, also one that failed."""
    return next(_jobs(workspace, id), None)


def refuse_meanwhile(workspace: "Workspace", id: str) -> None:
    """Raise NotReadyError while a job writes the dataset."""
    job = latest(workspace, id)
    if job is not None and job.live:
        raise NotReadyError(
            Message(
                "The dataset {name} is being saved: {done} of {n}.", name=job.args["name"], done=job.done, n=job.total
            ),
            Message("Wait until it is done; the Datasets screen shows how far it is."),
        )


def refuse_half(workspace: "Workspace", id: str) -> None:
    """Raise NotReadyError while a job writes the dataset, or after one that broke off: half of it is what nobody entered."""
    refuse_meanwhile(workspace, id)
    job = broken_off(workspace, id)
    if job is not None:
        raise NotReadyError(
            Message(
                "Only a part of the dataset {name} was saved: {done} of {n}.",
                name=job.args["name"],
                done=job.done,
                n=job.total,
            ),
            Message("Open it on the Datasets screen and save it again, or restore one of its versions."),
        )


def broken_off(workspace: "Workspace", id: str) -> Job | None:
    """The job that began to write the dataset and did not come to its end, until somebody saves or restores it."""
    begun = (one for one in _jobs(workspace, id) if one.args.get("resumed") or one.checkpoint.get("begun"))
    job = next(begun, None)
    if job is None or job.live or job.state is State.DONE:
        return None
    # What a cancelled one had written is a version of its own.
    saved = versions.saved_since(workspace, stored.load(workspace, id), job.started_at or job.created_at)
    return None if saved else job


def can_resume(workspace: "Workspace", job: Job) -> bool:
    """Whether what a failed job was to save is still kept."""
    return job.state is State.FAILED and (folder_of(workspace) / Path(job.args["file"]).name).is_file()


def folder_of(workspace: "Workspace") -> Path:
    """Where what is to be saved waits for its job."""
    return Path(workspace.settings.home) / "saving"


def _jobs(workspace: "Workspace", id: str) -> Iterator[Job]:
    return (one for one in jobs.recent(workspace, KIND, limit=MOST_JOBS) if one.args["dataset_id"] == id)
