"""Where questions come from and go to: datasets and traces."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from services import datasets, traces
from services.datasets import Dataset, Row
from services.errors import ConflictError, InvalidInputError
from services.messages import Message
from services.playground.desk import Question, new_id
from services.traces import TraceQuery, TraceRow

if TYPE_CHECKING:
    from services.workspace import Workspace

NEWEST = 20
HOURS = 24.0 * 30


def of_rows(dataset: Dataset, rows: Iterable[Row]) -> list[Question]:
    return [Question(new_id(), row.question, "dataset", dataset.name) for row in rows]


def newest_traces(workspace: "Workspace") -> tuple[TraceRow, ...]:
    """The newest questions of live traffic; their texts may be cut."""
    return traces.find(workspace, TraceQuery(hours=HOURS, limit=NEWEST)).rows


def of_trace(workspace: "Workspace", trace_id: str, listed: bool = False) -> Question:
    """The whole question of one trace; raises NotFoundError or InvalidInputError.

    One that is `listed` is there, so it is waited for: its spans may be stored after what describes it.
    """
    story = (traces.await_story if listed else traces.get)(workspace, trace_id.strip())
    if not story.question.strip():
        raise InvalidInputError(
            Message("The trace {id} holds no question.", id=trace_id.strip()),
            Message("Choose another one, or type the question."),
        )
    return Question(new_id(), story.question, "trace", trace_id.strip())


def add_to_dataset(workspace: "Workspace", dataset_id: str, question: str) -> Dataset:
    """Append one question; raises ConflictError when the dataset asks it already."""
    found = datasets.get(workspace, dataset_id)
    rows = datasets.whole_rows(workspace, dataset_id)
    if any(row.question.strip() == question.strip() for row in rows):
        raise ConflictError(
            Message("The dataset {name} asks this already.", name=found.name),
            Message("Nothing was added. Choose another dataset if it belongs there too."),
        )
    added = Row(datasets.row_id(question), question)
    return datasets.save_rows(workspace, dataset_id, [*rows, added], seen=found.updated_at)
