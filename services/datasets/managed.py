"""Datasets of a Unity Catalog schema in the shape of MLflow's own; their full name is their id, ids of records are theirs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import mlflow

from services.datasets import filed
from services.datasets.filed import FiledDataset
from services.datasets.record import Record
from services.errors import NotFoundError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST_NAME = 100
PAGE = 50
NOT_WORD = re.compile(r"[^\w]+")
T = TypeVar("T")


@dataclass(frozen=True)
class ManagedDataset:
    """A managed dataset; its records are read when they are asked for."""

    found: Any = field(repr=False)
    name: str

    @property
    def dataset_id(self) -> str:
        return str(self.found.name)

    @property
    def experiment_ids(self) -> list[str]:
        return list(self.found.experiment_ids or [])

    @property
    def created_time(self) -> int:
        return _milliseconds(self.found.create_time)

    @property
    def last_update_time(self) -> int:
        return _milliseconds(self.found.last_update_time or self.found.create_time)

    @property
    def profile(self) -> str | None:
        """The platform counts the records only in its table."""
        return None

    @property
    def records(self) -> list[Record]:
        rows = _asked(lambda: self.found.to_df())
        return [_record(row) for row in rows.to_dict("records")]

    def merge_records(self, records: Sequence[Mapping[str, Any]]) -> "ManagedDataset":
        _asked(lambda: self.found.merge_records([_managed(one) for one in records]))
        return self

    def delete_records(self, ids: list[str]) -> None:
        _asked(lambda: self.found.delete_records(ids))


def create(workspace: "Workspace", name: str) -> ManagedDataset | FiledDataset:
    """A dataset of the schema, or a file where the workspace would need Spark for it.

    A table's name has no blanks, so the given one is written as one.
    """
    written = NOT_WORD.sub("_", name.strip()).strip("_").lower()[:LONGEST_NAME] or "dataset"
    full = workspace.full_name(written)
    experiment = workspace.app.experiment_id
    made = _asked(lambda: mlflow.genai.datasets.create_dataset(name=full, experiment_id=experiment))
    if made.is_uc_native is False:
        _asked(lambda: mlflow.genai.datasets.delete_dataset(name=full))
        return filed.create(workspace, written)
    return ManagedDataset(made, written)


def get(workspace: "Workspace", id: str) -> ManagedDataset | FiledDataset | None:
    """None when there is none of that name."""
    if id.startswith(filed.PREFIX):
        return filed.get(workspace, id)
    try:
        found = _asked(lambda: mlflow.genai.datasets.get_dataset(name=id))
    except NotFoundError:
        return None
    return ManagedDataset(found, workspace.short_name(id))


def all(workspace: "Workspace") -> list[ManagedDataset | FiledDataset]:
    """Those of the app's experiment."""
    experiment = workspace.app.experiment_id
    names, token = [], None
    while True:
        page = _asked(partial(workspace.client.search_datasets, [experiment], max_results=PAGE, page_token=token))
        names += [str(one.name) for one in page]
        token = page.token
        if not token:
            break
    managed = [one for one in (get(workspace, name) for name in names) if one]
    return [*managed, *filed.all(workspace)]


def _managed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A source is written in another form there."""
    source = record.get("source") or {}
    trace_id = (source.get("source_data") or {}).get("trace_id")
    told = {"source": {"trace": {"trace_id": trace_id}}} if trace_id else {}
    return {name: value for name, value in record.items() if name != "source"} | told


def _asked(call: Callable[[], T]) -> T:
    """These clients try nothing twice."""
    with translated(Message("Asking the workspace for the dataset")):
        return call()


def _record(row: Mapping[str, Any]) -> Record:
    source = row.get("source") or {}
    trace = (source.get("trace") or {}) if isinstance(source, dict) else {}
    return Record(
        dataset_record_id=str(row["dataset_record_id"]),
        inputs=dict(row.get("inputs") or {}),
        expectations=dict(row.get("expectations") or {}),
        tags=dict(row.get("tags") or {}),
        source_type="TRACE" if trace else "HUMAN",
        source_id=str(trace.get("trace_id") or ""),
    )


def _milliseconds(told: Any) -> int:
    if isinstance(told, int):
        return told
    moment = datetime.fromisoformat(str(told).replace("Z", "+00:00")) if told else datetime.fromtimestamp(0, UTC)
    return int(moment.timestamp() * 1000)
