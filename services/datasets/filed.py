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
from services.errors import ConflictError, translated
from services.messages import Message
from services.processes.lock import alone

if TYPE_CHECKING:
    from services.workspace import Workspace

FOLDER = "lists"
PREFIX = "file:"


@dataclass
class FiledDataset:
    """One file; every change reads it again and writes it anew, one at a time, so that none is lost."""

    files: ArtifactRepository = field(repr=False)
    name: str
    experiment_ids: list[str]
    content: dict[str, Any] = field(repr=False)
    lock: Path = field(repr=False)

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
        with alone(self.lock):
            self.content = _content(self.files, self.name)
            held = {_key(one["inputs"]): one for one in self.content["records"]}
            for given in records:
                one = held.setdefault(_key(given["inputs"]), _made(given))
                one["expectations"] |= given.get("expectations") or {}
                one["tags"] |= given.get("tags") or {}
            self.write(list(held.values()))
        return self

    def delete_records(self, ids: list[str]) -> None:
        with alone(self.lock):
            self.content = _content(self.files, self.name)
            self.write([one for one in self.content["records"] if one["dataset_record_id"] not in set(ids)])

    def write(self, records: list[dict[str, Any]]) -> None:
        self.content |= {"records": records, "updated": max(_moment(), int(self.content["updated"]) + 1)}
        with translated(Message("Keeping the dataset")), tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{self.name}.json"
            file.write_text(json.dumps(self.content, ensure_ascii=False), "utf-8")
            self.files.log_artifact(str(file), FOLDER)


def create(workspace: "Workspace", name: str) -> FiledDataset:
    """An empty one; raises ConflictError when there is one of that name."""
    moment = _moment()
    made = _dataset(workspace, name, {"created": moment, "updated": moment, "records": []})
    with alone(made.lock):
        if name in _names(workspace):
            raise ConflictError(
                Message("There is a dataset {name} already.", name=name),
                Message("Choose another name: blanks, signs and capitals do not tell two names apart here."),
            )
        made.write([])
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
    return _dataset(workspace, name, _content(workspace.artifacts, name))


def _dataset(workspace: "Workspace", name: str, content: dict[str, Any]) -> FiledDataset:
    experiment = workspace.app.experiment_id
    lock = workspace.settings.home / "lists" / f"{experiment}.lock"
    return FiledDataset(workspace.artifacts, name, [experiment], content, lock)


def _content(files: ArtifactRepository, name: str) -> dict[str, Any]:
    with translated(Message("Reading the datasets")), tempfile.TemporaryDirectory() as folder:
        file = files.download_artifacts(f"{FOLDER}/{name}.json", folder)
        return dict(json.loads(Path(file).read_text("utf-8")))


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
