"""A dataset's content is saved by a click; of much content the click begins a job, and the page shows how far it is."""

from pages.components.feedback import Click
from services import datasets
from services.datasets import Dataset, Row, saving
from services.jobs import Job
from services.messages import Message
from services.workspace import Workspace


def create(workspace: Workspace, name: str, rows: list[Row], click: Click) -> str:
    """Make a dataset and return its id; like the others for a callback's `feedback.action`."""
    id = saving.create(workspace, name, rows)
    if len(rows) > saving.AT_ONCE:
        click.done = _begun(name)
    return id


def save(workspace: Workspace, dataset: Dataset, rows: list[Row], click: Click) -> None:
    """Make `rows` the whole content."""
    if saving.save(workspace, dataset.id, rows, seen=dataset.updated_at):
        click.done = _begun(dataset.name)


def add(workspace: Workspace, dataset: Dataset, rows: list[Row], click: Click) -> None:
    """Append those that are not there yet; few are added beside what somebody else saved meanwhile."""
    if len(rows) <= saving.AT_ONCE:
        datasets.add_rows(workspace, dataset.id, rows)
    else:
        there = datasets.rows(workspace, dataset.id)
        known = {row.id for row in there}
        save(workspace, dataset, [*there, *(row for row in rows if row.id not in known)], click)


def newest(workspace: Workspace, dataset: Dataset) -> Job | None:
    """The job that saves it, or the one that ended last; what was saved after that speaks for itself."""
    job = saving.latest(workspace, dataset.id)
    return None if job is None or (job.ended_at is not None and job.ended_at < dataset.updated_at) else job


def _begun(name: str) -> Message:
    return Message("{name} is being saved. You may leave this page; it goes on by itself.", name=name)
