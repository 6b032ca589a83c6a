"""Datasets: the questions that answers are judged on, kept in MLflow, frozen by content hash when they are used."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlflow.entities import EvaluationDataset

from services import audit
from services.audit import Verb
from services.datasets import managed, saving, stored, unfinished, versions
from services.datasets.managed import ManagedDataset
from services.datasets.row import (
    LONGEST_QUESTION,
    MOST_ROWS,
    Row,
    check,
    inputs,
    inputs_of,
    pasted,
    request_id,
    row_id,
)
from services.datasets.versions import DatasetVersion, KeptVersion
from services.errors import ConflictError, NotReadyError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "LONGEST_QUESTION",
    "MOST_ROWS",
    "Dataset",
    "DatasetVersion",
    "KeptVersion",
    "Row",
    "add_rows",
    "all",
    "check",
    "create",
    "get",
    "history",
    "inputs",
    "inputs_of",
    "pasted",
    "request_id",
    "restore",
    "restored",
    "row_id",
    "rows",
    "rows_of",
    "save_rows",
    "snapshot",
    "whole_rows",
]


@dataclass(frozen=True)
class Dataset:
    """A named list of questions; names are not unique in MLflow, ids are."""

    id: str
    name: str
    rows: int
    updated_at: datetime


def all(workspace: "Workspace") -> list[Dataset]:
    """The app's datasets, the newest first."""
    with translated(Message("Reading the datasets")):
        if workspace.namespace:
            found = managed.all(workspace)
        else:
            found = workspace.client.search_datasets(experiment_ids=[workspace.app.experiment_id], max_results=200)
    return sorted((_from_mlflow(one) for one in found), key=lambda one: one.updated_at, reverse=True)


def get(workspace: "Workspace", id: str) -> Dataset:
    """One dataset of this app; raises NotFoundError."""
    return _from_mlflow(stored.load(workspace, id))


def rows(workspace: "Workspace", id: str) -> list[Row]:
    """The questions in the order they were entered."""
    return stored.distinct(stored.read(stored.load(workspace, id)))


def whole_rows(workspace: "Workspace", id: str) -> list[Row]:
    """The questions, where they are all there; a half saved dataset raises NotReadyError."""
    unfinished.refuse_half(workspace, id)
    return rows(workspace, id)


def create(workspace: "Workspace", name: str, rows: Iterable[Row]) -> Dataset:
    """Make a dataset of at least one question; raises InvalidInputError."""
    return get(workspace, saving.create(workspace, name, rows, at_once=MOST_ROWS))


def save_rows(workspace: "Workspace", id: str, rows: Iterable[Row], seen: datetime | None = None) -> Dataset:
    """Make `rows` the whole content of the dataset; raises InvalidInputError, also when two of them clash.

    A row whose question was reworded keeps what other tools noted about it if it still carries its old id.
    `seen` is the `updated_at` that was edited; raises ConflictError when the dataset changed since.
    """
    unfinished.refuse_meanwhile(workspace, id)
    saving.write(workspace, saving.plan(workspace, id, rows, seen))
    return get(workspace, id)


def add_rows(workspace: "Workspace", id: str, rows: Iterable[Row]) -> int:
    """Append the questions that are not there yet, and say how many; raises ConflictError when all are there."""
    unfinished.refuse_half(workspace, id)
    found, given = stored.load(workspace, id), check(rows)
    there = stored.read(found)
    known = {one.row.id for one in there}
    new = [row for row in given if row.id not in known]
    if not new:
        raise ConflictError(
            Message("The dataset asks all of this already."), Message("Nothing was added. Change the questions first.")
        )
    check([*stored.distinct(there), *new])
    before = versions.keep(workspace, stored.distinct(there))
    with audit.change(workspace, Verb.SAVE_DATASET, found.name, before=versions.told(id, before)) as change:
        versions.notice(workspace, found, before)
        # Nothing is deleted: what somebody else added since it was read stays.
        found.merge_records(stored.appended(new, there))
        change.after = versions.told(
            id, versions.keep(workspace, stored.distinct(stored.read(stored.load(workspace, id))))
        )
    return len(new)


def snapshot(workspace: "Workspace", id: str) -> DatasetVersion:
    """The dataset as it is now, kept for good under its hash; an empty or half saved one raises NotReadyError."""
    unfinished.refuse_half(workspace, id)
    found = stored.load(workspace, id)
    content = stored.distinct(stored.read(found))
    if not content:
        raise NotReadyError(
            Message("The dataset {name} has no questions.", name=found.name),
            Message("Add questions on the Datasets screen, then start again."),
        )
    version = versions.keep(workspace, content)
    versions.notice(workspace, found, version)
    return version


def history(workspace: "Workspace", id: str) -> list[KeptVersion]:
    """The versions of a dataset, newest first; raises NotFoundError."""
    return versions.history(workspace, stored.load(workspace, id))


def rows_of(workspace: "Workspace", sha256: str) -> list[Row]:
    """The rows of a kept version; raises NotFoundError."""
    return versions.read(workspace, sha256)


def restore(workspace: "Workspace", id: str, sha256: str, seen: datetime | None = None) -> Dataset:
    """Make a kept version the content again; questions that are still there keep their order."""
    return save_rows(workspace, id, restored(workspace, id, sha256), seen)


def restored(workspace: "Workspace", id: str, sha256: str) -> list[Row]:
    """The rows of a kept version in the order to save them in: those that are still there keep theirs."""
    wanted = {row.id: row for row in versions.read(workspace, sha256)}
    here = [row.id for row in rows(workspace, id) if row.id in wanted]
    return [wanted[one] for one in dict.fromkeys([*here, *wanted])]


def _from_mlflow(found: EvaluationDataset) -> Dataset:
    # MLflow writes the word null when the last record was deleted.
    profile = (json.loads(found.profile) if found.profile else None) or {}
    rows = len(stored.read(found)) if isinstance(found, ManagedDataset) else int(profile.get("num_records", 0))
    return Dataset(found.dataset_id, found.name, rows, saving.updated_at(found))
