"""What one evaluation asks and scores, fixed when it starts, so that another attempt goes on with exactly that."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow

from services import datasets, scorers
from services.datasets import DatasetVersion, Row
from services.errors import InvalidInputError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.scorers import ScorerSpec
    from services.workspace import Workspace

PLAN_FILE = "evaluation/plan.json"
MOST_REPEATS = 10
ROW_FIELDS = {one.name for one in fields(Row)}


@dataclass(frozen=True)
class Choice:
    """Which rows of a dataset are asked: those of a split, of a topic, and of these the first so many; all by default."""

    split: str = ""
    topic: str = ""
    first: int | None = None

    def of(self, rows: Iterable[Row]) -> list[Row]:
        fitting = [row for row in rows if self._fits(row)]
        return fitting[: self.first] if self.first else fitting

    def _fits(self, row: Row) -> bool:
        return (not self.split or row.split == self.split) and (not self.topic or row.topic == self.topic)


@dataclass(frozen=True)
class Slot:
    """One line of the rows table: a row asked for the `repeat`th time; `trace_id` when its answer existed before."""

    row: Row
    repeat: int = 1
    trace_id: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return self.row.id, self.repeat


@dataclass(frozen=True)
class Plan:
    """Every line of the table to be, and the scorers in their versions."""

    slots: tuple[Slot, ...]
    scorers: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> list[Row]:
        return list({slot.row.id: slot.row for slot in self.slots}.values())

    def specs(self, workspace: "Workspace") -> "list[ScorerSpec]":
        return [scorers.at(workspace, name, version) for name, version in self.scorers]


def messages_of(row: Row) -> list[dict[str, str]]:
    """The whole request of a row, earlier turns first."""
    return list(datasets.inputs_of(row)["input"])


def repeated(rows: Iterable[Row], repeats: int) -> tuple[Slot, ...]:
    return tuple(Slot(row, repeat) for row in rows for repeat in range(1, repeats + 1))


def chosen(workspace: "Workspace", names: Sequence[str] | None) -> "list[ScorerSpec]":
    """The scorers of these names, all without names; raises InvalidInputError for one that is not there."""
    found = {spec.name: spec for spec in scorers.all(workspace)}
    unknown = [name for name in names or () if name not in found]
    if unknown:
        raise InvalidInputError(
            Message("There is no scorer {name}.", name=unknown[0]), Message("Open the list of scorers.")
        )
    return [found[name] for name in (found if names is None else dict.fromkeys(names))]


def content(version: DatasetVersion, rows: Sequence[Row]) -> str:
    """What names the content that was asked: the dataset's own hash only when all of it was asked."""
    if len(rows) == len(version.rows):
        return version.sha256
    return hashlib.sha256("\n".join([version.sha256, *(row.id for row in rows)]).encode()).hexdigest()


def keep(run_id: str, plan: Plan) -> None:
    """Store the plan with its run."""
    slots = [[asdict(slot.row), slot.repeat, slot.trace_id] for slot in plan.slots]
    written = json.dumps({"slots": slots, "scorers": plan.scorers}, ensure_ascii=False)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / Path(PLAN_FILE).name
        file.write_text(written, "utf-8")
        mlflow.MlflowClient().log_artifact(run_id, str(file), str(Path(PLAN_FILE).parent))


def read(workspace: "Workspace", run_id: str) -> Plan | None:
    """The plan of a run; None when it was cut off before its plan was kept."""
    with translated(Message("Reading what the evaluation asks")):
        names = [one.path for one in workspace.client.list_artifacts(run_id, str(Path(PLAN_FILE).parent))]
        if PLAN_FILE not in names:
            return None
        stored = json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/{PLAN_FILE}"))
    slots = tuple(Slot(_row(row), repeat, trace_id) for row, repeat, trace_id in stored["slots"])
    return Plan(slots, tuple((name, version) for name, version in stored["scorers"]))


def _row(stored: Mapping[str, Any]) -> Row:
    """JSON knows no tuples, which the fields of a row are."""
    known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return Row(**{name: value for name, value in known.items() if name in ROW_FIELDS})
