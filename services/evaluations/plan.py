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
from services.apps.places import Places
from services.datasets import DatasetVersion, Row
from services.errors import InvalidInputError, translated
from services.messages import Message
from services.scorers import ScorerSpec

if TYPE_CHECKING:
    from services.workspace import Workspace

PLAN_FILE = "evaluation/plan.json"
MOST_REPEATS = 10
# By the worker of the console, or by a run on the workspace.
HERE, AWAY = "here", "workspace"
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
class Asked:
    """Whom the lines are asked, and how: `prompt` is the full name of the prompt that answers must show, or empty.

    `source` is a kind of `Source`; agents alone have a `model_id`. `per_minute` limits questions and judgements together.
    """

    source: str
    model_id: str = ""
    prompt_version: int | None = None
    prompt: str = ""
    template: str = ""
    per_minute: int | None = None
    question_at: str = ""
    answer_at: str = ""

    @property
    def places(self) -> Places:
        """Where the app's traces hold question and answer."""
        return Places(self.question_at, self.answer_at)


@dataclass(frozen=True)
class Plan:
    """Every line of the table to be, the scorers in their versions, and whom to ask: all that is not in MLflow."""

    slots: tuple[Slot, ...]
    specs: tuple[ScorerSpec, ...]
    asked: Asked

    @property
    def rows(self) -> list[Row]:
        return list({slot.row.id: slot.row for slot in self.slots}.values())


def messages_of(row: Row) -> list[dict[str, str]]:
    """The whole request of a row, earlier turns first."""
    return list(datasets.inputs_of(row)["input"])


def repeated(rows: Iterable[Row], repeats: int) -> tuple[Slot, ...]:
    return tuple(Slot(row, repeat) for row in rows for repeat in range(1, repeats + 1))


def chosen(workspace: "Workspace", names: Sequence[str] | None) -> list[ScorerSpec]:
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
    told = {
        "slots": [[asdict(slot.row), slot.repeat, slot.trace_id] for slot in plan.slots],
        "specs": [asdict(spec) for spec in plan.specs],
        "asked": asdict(plan.asked),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / Path(PLAN_FILE).name
        file.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
        mlflow.MlflowClient().log_artifact(run_id, str(file), str(Path(PLAN_FILE).parent))


def read(workspace: "Workspace", run_id: str, asked: Asked) -> Plan | None:
    """The plan of a run; None when it was cut off before its plan was kept. Earlier plans named only their scorers and
    not whom to `ask`."""
    with translated(Message("Reading what the evaluation asks")):
        names = [one.path for one in workspace.client.list_artifacts(run_id, str(Path(PLAN_FILE).parent))]
        if PLAN_FILE not in names:
            return None
        stored = json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/{PLAN_FILE}"))
    if "specs" in stored:
        return parsed(stored)
    return Plan(_slots(stored), tuple(scorers.at(workspace, *one) for one in stored["scorers"]), asked)


def parsed(stored: Mapping[str, Any]) -> Plan:
    """A plan as `keep` wrote it."""
    return Plan(_slots(stored), tuple(ScorerSpec(**one) for one in stored["specs"]), Asked(**stored["asked"]))


def _slots(stored: Mapping[str, Any]) -> tuple[Slot, ...]:
    return tuple(Slot(_row(row), repeat, trace_id) for row, repeat, trace_id in stored["slots"])


def _row(stored: Mapping[str, Any]) -> Row:
    """JSON knows no tuples, which the fields of a row are."""
    known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return Row(**{name: value for name, value in known.items() if name in ROW_FIELDS})
