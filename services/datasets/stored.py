"""Rows as MLflow keeps them; what other tools wrote beside them stays untouched."""

import gc
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.entities import DatasetRecord, EvaluationDataset
from mlflow.tracking import get_tracking_uri as _tracking_uri

from services.datasets import managed, shapes
from services.datasets.row import Row, check, inputs_of, with_id
from services.errors import NotFoundError, existing, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

EXPECTED = ("expected_response", "expected_answer", "expected_output", "ground_truth", "reference", "answer")
CRITICAL, TOPIC, LANGUAGE, SPLIT = (f"signalbox.{name}" for name in ("critical", "topic", "language", "split"))
ROW, POSITION = "signalbox.row", "signalbox.position"

MOST_REMEMBERED = 4
_lock = threading.Lock()
_remembered: dict[tuple[Any, ...], list["Stored"]] = {}


@dataclass(frozen=True)
class Stored:
    """A record as MLflow keeps it, and the row it stands for."""

    record: str
    inputs: dict[str, Any]
    expectations: dict[str, Any]
    tags: dict[str, Any]
    row: Row

    @property
    def position(self) -> int:
        """Where it stands; a record that another tool wrote has no place and comes last."""
        told = str(self.tags.get(POSITION, ""))
        return int(told) if told.isdecimal() else -1


def load(workspace: "Workspace", id: str) -> EvaluationDataset:
    """MLflow's dataset, if it belongs to this app; raises NotFoundError."""
    with translated(Message("Reading the datasets")):
        found = (
            existing(managed.get, workspace, id) if workspace.namespace else existing(workspace.client.get_dataset, id)
        )
    if found is None or workspace.app.experiment_id not in found.experiment_ids:
        raise NotFoundError(
            Message("There is no dataset {id} in this app.", id=id), Message("Choose one from the list of datasets.")
        )
    return found


def read(found: EvaluationDataset) -> list[Stored]:
    """The records in order: MLflow gives them back in another one than they were entered in.

    The newest few datasets are remembered, since 10,000 records take a second; whoever writes changes the time, and
    whoever deletes the number of records.
    """
    key = (_tracking_uri(), found.dataset_id, found.last_update_time, found.profile)
    with _lock:
        known = _remembered.get(key)
    if known is None:
        with translated(Message("Reading the dataset's questions")), _uncollected():
            records = [_stored(record) for record in found.records]
        known = sorted(records, key=lambda one: (one.position < 0, one.position))
        with _lock:
            _remembered[key] = known
            while len(_remembered) > MOST_REMEMBERED:
                del _remembered[next(iter(_remembered))]
    return list(known)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python looks for cycles after so many new objects, again and again: two thirds of the time of a large read."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def distinct(stored: Iterable[Stored]) -> list[Row]:
    """The rows; records that ask the same in different shapes are one row, which speaks for the first of them."""
    kept: dict[str, Row] = {}
    for one in stored:
        kept.setdefault(one.row.id, one.row)
    return list(kept.values())


def records(rows: Iterable[Row], stored: Sequence[Stored] = ()) -> list[dict[str, Any]]:
    """What MLflow has to merge so that it holds `rows` in this order: new records, and of the others what changed."""
    rows = list(rows)
    known = _by_row(stored)
    earlier = {with_id(row).id: known[row.id] for row in reversed(rows) if row.id in known}
    merged, position = [], -1
    for row in check(rows):
        same = known.get(row.id)
        position = max(position + 1, same.position if same else 0)
        change = _change(row, position, same) if same else _made(row, position, earlier.get(row.id))
        if change:
            merged.append(change)
        if not same and row.id in earlier:
            merged += _twins(row, earlier[row.id], stored)
    return merged


def appended(rows: Iterable[Row], stored: Iterable[Stored]) -> list[dict[str, Any]]:
    """What MLflow has to merge so that these new rows stand behind the others, which are left alone."""
    first = max((one.position for one in stored), default=-1) + 1
    return [_made(row, position, None) for position, row in enumerate(rows, first)]


def touch(stored: Sequence[Stored]) -> list[dict[str, Any]]:
    """A merge that changes nothing but the time of the dataset, which deleting records leaves as it was."""
    return [{"inputs": one.inputs, "expectations": {}, "tags": {}} for one in stored[:1]]


def surplus(rows: Iterable[Row], stored: Iterable[Stored]) -> list[str]:
    """The records to delete: those that ask what is asked no more; `rows` are checked."""
    wanted = {row.id for row in rows}
    return [one.record for one in stored if one.row.id not in wanted]


def _by_row(stored: Iterable[Stored]) -> dict[str, Stored]:
    known: dict[str, Stored] = {}
    for one in stored:
        known.setdefault(one.row.id, one)
    return known


def _made(row: Row, position: int, base: Stored | None) -> dict[str, Any]:
    """A new record; one that was reworded takes along what other tools noted about it."""
    noted = base or Stored("", {}, {}, {}, Row("", ""))
    made: dict[str, Any] = {
        "inputs": _request(row),
        "expectations": noted.expectations | _expectations(row, noted),
        "tags": noted.tags | _tags(row, position),
    }
    if row.source:
        made["source"] = {"source_type": "TRACE", "source_data": {"trace_id": row.source}}
    else:
        made["source"] = {"source_type": "HUMAN", "source_data": {}}
    return made


def _twins(row: Row, base: Stored, stored: Iterable[Stored]) -> list[dict[str, Any]]:
    """The other records that asked what was reworded: they differ in keys that no row shows, and go along."""
    others = [one for one in stored if one.row.id == base.row.id and one is not base]
    reworded = [(shapes.reworded(one.inputs, row.question), one) for one in others]
    return [{"inputs": asked, "expectations": one.expectations, "tags": one.tags} for asked, one in reworded if asked]


def _change(row: Row, position: int, same: Stored) -> dict[str, Any]:
    """Only what differs, so that saving one row of many is quick and leaves the others alone."""
    tags = {name: told for name, told in _tags(row, position).items() if str(same.tags.get(name, "")) != told}
    if not same.tags.get(CRITICAL) and tags.get(CRITICAL) == "false":
        del tags[CRITICAL]
    expectations = _expectations(row, same)
    if not tags and not expectations:
        return {}
    return {"inputs": same.inputs, "expectations": expectations, "tags": tags}


def _request(row: Row) -> dict[str, Any]:
    """In the shape in which it was stored before, when that has a place for what is asked now."""
    ours = inputs_of(row)
    if not row.form:
        return ours
    if shapes.messages(row.form) == ours["input"]:
        return dict(row.form)
    return shapes.reworded(row.form, row.question) or ours


def _expectations(row: Row, base: Stored) -> dict[str, Any]:
    """Under the name that is there already; a value that was taken away is stored empty, since MLflow only merges."""
    told: dict[str, Any] = {}
    if row.expected != base.row.expected:
        told[_expected_name(base.expectations)] = row.expected
    if row.expected_facts != base.row.expected_facts:
        told["expected_facts"] = list(row.expected_facts)
    if row.guidelines != base.row.guidelines:
        told["guidelines"] = list(row.guidelines)
    return told


def _tags(row: Row, position: int) -> dict[str, str]:
    return {
        CRITICAL: "true" if row.critical else "false",
        TOPIC: row.topic,
        LANGUAGE: row.language,
        SPLIT: row.split,
        ROW: row.id,
        POSITION: f"{position:06d}",
    }


def row_of(
    inputs: Mapping[str, Any], expectations: Mapping[str, Any], tags: Mapping[str, Any], source: str = ""
) -> Row:
    """The row that a record of any shape stands for."""
    asked = shapes.messages(inputs)
    topic, language, split = (str(tags.get(name, "")) for name in (TOPIC, LANGUAGE, SPLIT))
    row = Row(
        id="",
        question=asked[-1]["content"],
        expected=shapes.text(expectations.get(_expected_name(expectations))),
        critical=str(tags.get(CRITICAL)) == "true",
        topic=topic,
        language=language,
        split=split,
        messages=tuple(asked) if len(asked) > 1 else (),
        guidelines=_texts(expectations.get("guidelines")),
        expected_facts=_texts(expectations.get("expected_facts")),
        source=source,
        form={} if inputs == {"input": asked} else inputs,
    )
    return with_id(row)


def _stored(record: DatasetRecord) -> Stored:
    expectations, tags = record.expectations or {}, record.tags or {}
    source = str(record.source_id or "") if record.source_type == "TRACE" else ""
    row = row_of(record.inputs, expectations, tags, source)
    return Stored(record.dataset_record_id, record.inputs, expectations, tags, row)


def _expected_name(expectations: Mapping[str, Any]) -> str:
    return next((name for name in EXPECTED if expectations.get(name) not in (None, "")), EXPECTED[0])


def _texts(found: Any) -> tuple[str, ...]:
    if isinstance(found, list):
        return tuple(shapes.text(one) for one in found)
    return (str(found),) if found else ()
