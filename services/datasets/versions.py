"""Every content that a dataset had when it was saved or used, kept for good under its hash."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.entities import EvaluationDataset
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from sqlalchemy import select

from services import audit
from services.audit import Verb
from services.database import event_log, writing
from services.datasets.row import Row, sound
from services.errors import NotFoundError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

FOLDER = "datasets"
# A content that lacks these is written as before they existed, so that its hash stays.
ADDED = ("split", "messages", "guidelines", "expected_facts", "source", "form")


@dataclass(frozen=True)
class DatasetVersion:
    """The content of a dataset at one moment, stored in the experiment as datasets/<sha256>.jsonl."""

    sha256: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class KeptVersion:
    """A line in the list of versions; `outside`: another tool had made it, and it was found when it was used."""

    number: int
    sha256: str
    rows: int
    at: datetime
    actor: str
    outside: bool
    current: bool


def keep(workspace: "Workspace", rows: Iterable[Row]) -> DatasetVersion:
    """Store the content, once."""
    content = tuple(rows)
    written = "".join(f"{to_line(row)}\n" for row in sorted(content, key=lambda row: row.id))
    version = DatasetVersion(hashlib.sha256(written.encode()).hexdigest(), content)
    with translated(Message("Keeping the dataset's version")):
        _write(workspace.artifacts, f"{version.sha256}.jsonl", written)
    return version


def notice(workspace: "Workspace", found: EvaluationDataset, version: DatasetVersion) -> None:
    """Remember a content that was made elsewhere; one that was saved here is known."""
    lines = _recorded(workspace, found)
    if lines and lines[0].after["sha256"] == version.sha256:
        return
    with writing(workspace.engine) as connection:
        audit.record(connection, workspace, Verb.NOTICE_DATASET, found.name, after=told(found.dataset_id, version))


def told(id: str, version: DatasetVersion) -> dict[str, Any]:
    """What the audit log says about a version, and what the list of versions is read from."""
    return {"id": id, "rows": len(version.rows), "sha256": version.sha256}


def history(workspace: "Workspace", found: EvaluationDataset) -> list[KeptVersion]:
    """The versions of a dataset, newest first; saving the same content twice makes no second one."""
    lines = _recorded(workspace, found)[::-1]
    changes = [
        line for before, line in zip([None, *lines], lines, strict=False) if not before or _sha(before) != _sha(line)
    ]
    kept = [
        KeptVersion(
            number=number,
            sha256=_sha(line),
            rows=line.after["rows"],
            at=line.at,
            actor=line.actor,
            outside=line.verb == Verb.NOTICE_DATASET.value,
            current=number == len(changes),
        )
        for number, line in enumerate(changes, 1)
    ]
    return kept[::-1]


def read(workspace: "Workspace", sha256: str) -> list[Row]:
    """The rows of a kept version, in the order of their ids; raises NotFoundError."""
    # A text may hold characters that other ways of splitting take for the end of a line.
    return [of_line(json.loads(line)) for line in written(workspace, sha256).decode().split("\n") if line]


def written(workspace: "Workspace", sha256: str) -> bytes:
    """The file of a kept version, whose hash is `sha256`; raises NotFoundError."""
    with translated(Message("Reading the version")), tempfile.TemporaryDirectory() as folder:
        try:
            file = workspace.artifacts.download_artifacts(f"{FOLDER}/{sha256}.jsonl", folder)
        except (MlflowException, OSError) as error:
            raise NotFoundError(
                Message("The version {id} of the dataset is not kept here.", id=sha256[:8]),
                Message("Choose one from the list of versions."),
            ) from error
        return Path(file).read_bytes()


def saved_since(workspace: "Workspace", found: EvaluationDataset, moment: datetime) -> bool:
    """Whether somebody made a content of it a version after that moment, by saving or restoring."""
    lines = _recorded(workspace, found)
    return any(line.verb == Verb.SAVE_DATASET.value and line.at > moment for line in lines)


def _recorded(workspace: "Workspace", found: EvaluationDataset) -> Sequence[Any]:
    """The audit lines about this dataset's contents, newest first; names are not unique, so ids decide."""
    verbs = (Verb.SAVE_DATASET.value, Verb.NOTICE_DATASET.value)
    query = (
        select(event_log)
        .where(event_log.c.app_id == workspace.app.id, event_log.c.verb.in_(verbs))
        .where(event_log.c.outcome == "done", event_log.c.subject == found.name)
        .order_by(event_log.c.id.desc())
    )
    with workspace.engine.connect() as connection:
        lines = connection.execute(query).all()
    return [
        line
        for line in lines
        if isinstance(line.after, dict) and line.after.get("id") == found.dataset_id and "sha256" in line.after
    ]


def _sha(line: Any) -> str:
    return str(line.after["sha256"])


def to_line(row: Row) -> str:
    """A row as one line of JSON."""
    said = {name: value for name, value in vars(row).items() if value or name not in ADDED}
    return sound(json.dumps(said, ensure_ascii=False, sort_keys=True))


def of_line(said: dict[str, Any]) -> Row:
    """The row of such a line."""
    lists = {name: tuple(said.get(name, ())) for name in ("messages", "guidelines", "expected_facts")}
    known = {field.name for field in fields(Row)}
    return Row(**{name: value for name, value in said.items() if name in known} | lists)


def _write(repository: ArtifactRepository, name: str, written: str) -> None:
    if any(Path(one.path).name == name for one in repository.list_artifacts(FOLDER)):
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(written, "utf-8")
        repository.log_artifact(str(file), FOLDER)
