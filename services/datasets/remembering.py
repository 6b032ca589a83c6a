"""One question from a trace as a row of a dataset, so that what went wrong once is asked from then on."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services import audit, datasets
from services.audit import Verb
from services.datasets import gathering
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Memory:
    """A trace's question, what a good answer says (may be empty), and whether it may never be answered wrongly again."""

    trace_id: str
    expected: str = ""
    critical: bool = False


def remember(workspace: "Workspace", dataset_id: str, memory: Memory) -> bool:
    """Put the question into the dataset; says whether it is new there. Raises InvalidInputError without a question.

    A row that is there already gets the expected answer if one was typed, and stays critical once it is.
    """
    audit.require(workspace, Verb.SAVE_DATASET)
    found = gathering.of_traces(workspace, [memory.trace_id])
    if not found:
        raise InvalidInputError(
            Message("The trace tells no question that a dataset could hold."),
            Message("Say where the question is in the traces: Apps screen, Settings."),
        )
    row = found[0].row
    stands, there = datasets.get(workspace, dataset_id), datasets.whole_rows(workspace, dataset_id)
    new = row.id not in {one.id for one in there}
    rows = [*there, row] if new else there
    expected = memory.expected.strip()
    kept = [
        replace(one, expected=expected or one.expected, critical=memory.critical or one.critical)
        if one.id == row.id
        else one
        for one in rows
    ]
    if kept != there:
        datasets.save_rows(workspace, dataset_id, kept, seen=stands.updated_at)
    return new
