"""Datasets: the questions that answers are judged on, kept in MLflow, frozen by content hash when they are used."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.entities import EvaluationDataset
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from services import audit
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotFoundError, NotReadyError, is_missing, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

FOLDER = "datasets"
LONGEST_QUESTION = 20_000
MOST_ROWS = 20_000
TAGS = ("signalbox.critical", "signalbox.topic", "signalbox.language", "signalbox.row", "signalbox.position")


@dataclass(frozen=True)
class Row:
    """One question; `id` follows from the question, so a row keeps its id in every dataset."""

    id: str
    question: str
    expected: str = ""
    critical: bool = False
    topic: str = ""
    language: str = ""


@dataclass(frozen=True)
class Dataset:
    """A named list of questions; names are not unique in MLflow, ids are."""

    id: str
    name: str
    rows: int
    updated_at: datetime


@dataclass(frozen=True)
class DatasetVersion:
    """The content of a dataset at one moment, stored in the experiment as datasets/<sha256>.jsonl."""

    sha256: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class _Stored:
    """A record as MLflow keeps it: its id, what it asks in its own form, and the row it stands for."""

    record: str
    inputs: dict[str, Any]
    row: Row


def row_id(question: str) -> str:
    """A short hash of what is asked."""
    return hashlib.sha256(question.encode()).hexdigest()[:12]


def inputs(question: str) -> dict[str, Any]:
    """The question as a request of a ResponsesAgent."""
    return {"input": [{"role": "user", "content": question}]}


def all(workspace: "Workspace") -> list[Dataset]:
    """The app's datasets, the newest first."""
    with translated(Message("Reading the datasets")):
        found = workspace.client.search_datasets(experiment_ids=[workspace.app.experiment_id], max_results=200)
    return sorted((_from_mlflow(one) for one in found), key=lambda one: one.updated_at, reverse=True)


def get(workspace: "Workspace", id: str) -> Dataset:
    """One dataset of this app; raises NotFoundError."""
    return _from_mlflow(_load(workspace, id))


def rows(workspace: "Workspace", id: str) -> list[Row]:
    """The questions in the order they were entered."""
    return [one.row for one in _stored(_load(workspace, id))]


def create(workspace: "Workspace", name: str, rows: Iterable[Row]) -> Dataset:
    """Make a dataset of at least one question; raises InvalidInputError."""
    kept = check(rows)
    if not name.strip():
        raise InvalidInputError(
            Message("The dataset has no name."), Message("Type a name that says what is asked in it.")
        )
    with audit.change(workspace, Verb.SAVE_DATASET, name.strip(), after=f"{len(kept)} rows") as change:
        made = workspace.client.create_dataset(
            name=name.strip(), experiment_id=[workspace.app.experiment_id], tags={"signalbox.app": workspace.app.id}
        )
        made.merge_records(_records(kept))
        change.after = {"id": made.dataset_id, "rows": len(kept)}
    return get(workspace, made.dataset_id)


def save_rows(workspace: "Workspace", id: str, rows: Iterable[Row], seen: datetime | None = None) -> Dataset:
    """Make `rows` the whole content of the dataset; raises InvalidInputError.

    `seen` is the `updated_at` that was edited; raises ConflictError when the dataset changed since.
    """
    kept, found = check(rows), _load(workspace, id)
    if seen is not None and seen != _from_mlflow(found).updated_at:
        raise ConflictError(
            Message("The dataset {name} was changed while you worked on it.", name=found.name),
            Message("Look at the questions as they are now, then make your changes again."),
        )
    stored = _stored(found)
    gone = _surplus(stored, kept)
    with audit.change(
        workspace, Verb.SAVE_DATASET, found.name, before=f"{len(stored)} rows", after=f"{len(kept)} rows"
    ):
        found.merge_records(_records(kept))
        if gone:
            found.delete_records(gone)
    return get(workspace, id)


def snapshot(workspace: "Workspace", id: str) -> DatasetVersion:
    """The dataset as it is now, kept for good under its hash; an empty one raises NotReadyError."""
    found = _load(workspace, id)
    content = tuple(one.row for one in _stored(found))
    if not content:
        raise NotReadyError(
            Message("The dataset {name} has no questions.", name=found.name),
            Message("Add questions on the Datasets screen, then start again."),
        )
    lines = [
        json.dumps(asdict(row), ensure_ascii=False, sort_keys=True) for row in sorted(content, key=lambda row: row.id)
    ]
    written = "".join(f"{line}\n" for line in lines)
    version = DatasetVersion(hashlib.sha256(written.encode()).hexdigest(), content)
    with translated(Message("Keeping the dataset's version")):
        _keep(workspace, f"{version.sha256}.jsonl", written)
    return version


def pasted(text: str, topic: str = "", language: str = "") -> list[Row]:
    """One question per line; blank lines are skipped."""
    return [
        Row(row_id(line), line, topic=topic, language=language)
        for line in (one.strip() for one in text.splitlines())
        if line
    ]


def check(rows: Iterable[Row]) -> list[Row]:
    """The rows with their ids, each question once, the last one winning; raises InvalidInputError."""
    kept = {row.question: replace(row, id=row_id(row.question)) for row in rows}
    too_long = [row for row in kept.values() if len(row.question) > LONGEST_QUESTION]
    if not kept:
        raise InvalidInputError(Message("There are no questions."), Message("Type or paste at least one question."))
    if too_long:
        raise InvalidInputError(
            Message(
                "The question “{start}…” is longer than {limit} characters.",
                start=too_long[0].question[:60],
                limit=LONGEST_QUESTION,
            ),
            Message("Shorten it."),
        )
    if len(kept) > MOST_ROWS:
        raise InvalidInputError(
            Message("{rows} questions are more than a dataset can hold ({limit}).", rows=len(kept), limit=MOST_ROWS),
            Message("Split them into several datasets."),
        )
    return list(kept.values())


def _records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {
            "inputs": inputs(row.question),
            "expectations": {"expected_response": row.expected},
            "tags": _tags(row, position),
        }
        for position, row in enumerate(rows)
    ]


def _tags(row: Row, position: int) -> dict[str, str]:
    """MLflow gives records back in another order than they were entered, hence the position."""
    values = ("true" if row.critical else "false", row.topic, row.language, row.id, f"{position:06d}")
    return dict(zip(TAGS, values, strict=True))


def _load(workspace: "Workspace", id: str) -> EvaluationDataset:
    missing = NotFoundError(
        Message("There is no dataset {id} in this app.", id=id), Message("Choose one from the list of datasets.")
    )
    try:
        found = workspace.client.get_dataset(id)
    except MlflowException as error:
        if is_missing(error):
            raise missing from error
        with translated(Message("Reading the datasets")):
            raise
    if workspace.app.experiment_id not in found.experiment_ids:
        raise missing
    return found


def _surplus(stored: Sequence[_Stored], kept: Sequence[Row]) -> list[str]:
    """The records to delete: those that `kept` does not update, because they ask otherwise or twice."""
    updated: dict[str, str] = {}
    wanted = {row.id: inputs(row.question) for row in kept}
    for one in stored:
        if one.inputs == wanted.get(one.row.id):
            updated.setdefault(one.row.id, one.record)
    return [one.record for one in stored if updated.get(one.row.id) != one.record]


def _stored(found: EvaluationDataset) -> list[_Stored]:
    """The records in order; those that another tool wrote are read as far as they ask something."""
    with translated(Message("Reading the dataset's questions")):
        records = [
            (record.dataset_record_id, record.inputs, record.expectations or {}, record.tags or {})
            for record in found.records
        ]
    ordered = sorted(records, key=lambda record: str(record[3].get("signalbox.position", "~")))
    return [_Stored(id, asked, _row(_question(asked), expected, tags)) for id, asked, expected, tags in ordered]


def _row(question: str, expectations: dict[str, Any], tags: dict[str, Any]) -> Row:
    critical, topic, language = (str(tags.get(name, "")) for name in TAGS[:3])
    return Row(
        row_id(question), question, str(expectations.get("expected_response", "")), critical == "true", topic, language
    )


def _question(asked: dict[str, Any]) -> str:
    """The last message of our own form; any other form is shown as it is stored."""
    messages = asked.get("input")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        return str(messages[-1].get("content", ""))
    return str(asked.get("question") or messages or json.dumps(asked, ensure_ascii=False))


def _keep(workspace: "Workspace", name: str, written: str) -> None:
    location = workspace.client.get_experiment(workspace.app.experiment_id).artifact_location
    repository = get_artifact_repository(location)
    if any(Path(one.path).name == name for one in repository.list_artifacts(FOLDER)):
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(written, "utf-8")
        repository.log_artifact(str(file), FOLDER)


def _from_mlflow(found: EvaluationDataset) -> Dataset:
    profile = json.loads(found.profile) if found.profile else {}
    updated = datetime.fromtimestamp((found.last_update_time or found.created_time) / 1000, UTC)
    return Dataset(found.dataset_id, found.name, int(profile.get("num_records", 0)), updated)
