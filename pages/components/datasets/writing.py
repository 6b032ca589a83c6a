"""A dataset's content is saved by a click; of much content the click begins a job, and the page shows how far it is."""

import streamlit as st

from pages.components import feedback, session
from pages.components.feedback import Click
from services import audit, datasets
from services.audit import Verb
from services.datasets import Dataset, Row, saving, unfinished
from services.jobs import Job
from services.messages import Message
from services.workspace import Workspace

_ = session.text


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
        there = datasets.whole_rows(workspace, dataset.id)
        known = {row.id for row in there}
        save(workspace, dataset, [*there, *(row for row in rows if row.id not in known)], click)


def newest(workspace: Workspace, dataset: Dataset) -> Job | None:
    """The job that saves it, or the one that ended last; what was saved after that speaks for itself."""
    job = unfinished.latest(workspace, dataset.id)
    if unfinished.broken_off(workspace, dataset.id):
        return job
    return None if job is None or (job.ended_at is not None and job.ended_at < dataset.updated_at) else job


def show_resume(workspace: Workspace, job: Job) -> None:
    """The button that saves what a failed job still keeps."""
    if unfinished.can_resume(workspace, job):
        st.button(
            _("Save it again"),
            icon=":material/refresh:",
            key="resume-saving",
            on_click=_resume,
            args=(workspace, job),
            disabled=not audit.allowed(workspace, Verb.SAVE_DATASET),
        )


def _resume(workspace: Workspace, job: Job) -> None:
    with feedback.action(_begun(job.args["name"])):
        saving.resume(workspace, job.args["dataset_id"])


def _begun(name: str) -> Message:
    return Message("{name} is being saved. You may leave this page; it goes on by itself.", name=name)
