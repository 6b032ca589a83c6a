"""Datasets of a workspace that keeps none without Spark: files with the experiment, in the shape of MLflow's own."""

import json
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.store.artifact.artifact_repo import ArtifactRepository

from services.database import now
from services.datasets.record import Record
from services.errors import translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

FOLDER = "lists"
PREFIX = "file:"


@dataclass
class FiledDataset:
    """One file; every change writes it anew."""

    files: ArtifactRepository = field(repr=False)
    name: str
    experiment_ids: list[str]
    content: dict[str, Any] = field(repr=False)

    @property
    def dataset_id(self) -> str:
        return PREFIX + self.name

    @property
    def created_time(self) -> int:
        return int(self.content["created"])

    @property
    def last_update_time(self) -> int:
        return int(self.content["updated"])

    @property
    def profile(self) -> str:
        return json.dumps({"num_records": len(self.content["records"])})

    @property
    def records(self) -> list[Record]:
        return [Record(**one) for one in self.content["records"]]

    def merge_records(self, records: Sequence[Mapping[str, Any]]) -> "FiledDataset":
        """As MLflow merges: what asks the same is one record, whose expectations and tags are added to."""
        held = {_key(one["inputs"]): one for one in self.content["records"]}
        for given in records:
            one = held.setdefault(_key(given["inputs"]), _made(given))
            one["expectations"] |= given.get("expectations") or {}
            one["tags"] |= given.get("tags") or {}
        self._write(list(held.values()))
        return self

    def delete_records(self, ids: list[str]) -> None:
        self._write([one for one in self.content["records"] if one["dataset_record_id"] not in set(ids)])

    def _write(self, records: list[dict[str, Any]]) -> None:
        self.content |= {"records": records, "updated": max(_moment(), int(self.content["updated"]) + 1)}
        with translated(Message("Keeping the dataset")), tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{self.name}.json"
            file.write_text(json.dumps(self.content, ensure_ascii=False), "utf-8")
            self.files.log_artifact(str(file), FOLDER)


def create(workspace: "Workspace", name: str) -> FiledDataset:
    moment = _moment()
    content = {"created": moment, "updated": moment, "records": []}
    made = FiledDataset(workspace.artifacts, name, [workspace.app.experiment_id], content)
    made.merge_records([])
    return made


def get(workspace: "Workspace", id: str) -> FiledDataset | None:
    name = id.removeprefix(PREFIX)
    return _read(workspace, name) if name in _names(workspace) else None


def all(workspace: "Workspace") -> list[FiledDataset]:
    return [_read(workspace, name) for name in _names(workspace)]


def _names(workspace: "Workspace") -> list[str]:
    with translated(Message("Reading the datasets")):
        return [Path(one.path).stem for one in workspace.artifacts.list_artifacts(FOLDER)]


def _read(workspace: "Workspace", name: str) -> FiledDataset:
    files = workspace.artifacts
    with translated(Message("Reading the datasets")):
        content = json.loads(Path(files.download_artifacts(f"{FOLDER}/{name}.json")).read_text("utf-8"))
    return FiledDataset(files, name, [workspace.app.experiment_id], content)


def _made(given: Mapping[str, Any]) -> dict[str, Any]:
    source = given.get("source") or {}
    return {
        "dataset_record_id": uuid.uuid4().hex,
        "inputs": given["inputs"],
        "expectations": {},
        "tags": {},
        "source_type": source.get("source_type") or "HUMAN",
        "source_id": (source.get("source_data") or {}).get("trace_id") or "",
    }


def _key(inputs: Any) -> str:
    return json.dumps(inputs, sort_keys=True)


def _moment() -> int:
    return int(now().timestamp() * 1000)
