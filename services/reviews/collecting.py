"""Reviewed answers become rows of a dataset, with the right answer where somebody wrote it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from services import audit, datasets
from services.audit import Verb
from services.datasets import Row, gathering
from services.datasets.gathering import Gathered
from services.errors import NotReadyError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


def collect(
    workspace: "Workspace", dataset_id: str, trace_ids: Sequence[str], *, critical: bool = False, answers: bool = False
) -> int:
    """Add the questions of these answers, and give those that are there their right answer; says how many rows changed.

    An expected answer that stands in the dataset is replaced only by one that a reviewer wrote. `answers`: what the agent
    said is the expected answer where nobody wrote one.
    """
    audit.require(workspace, Verb.SAVE_DATASET)
    gathered = gathering.of_traces(workspace, trace_ids)
    given = [_expecting(one) if answers else one.row for one in gathered]
    if not given:
        raise NotReadyError(Message("There is no answer to add yet."), Message("Review some answers first."))
    found, there = datasets.get(workspace, dataset_id), datasets.rows(workspace, dataset_id)
    written = {one.row.id for one in gathered if one.row.expected}
    fresh = {row.id: replace(row, critical=critical) for row in given}
    kept = [_merged(row, fresh.pop(row.id, None), row.id in written) for row in there]
    if fresh or kept != there:
        datasets.save_rows(workspace, dataset_id, [*kept, *fresh.values()], seen=found.updated_at)
    return len(fresh) + sum(one != other for one, other in zip(kept, there, strict=True))


def _expecting(one: Gathered) -> Row:
    return one.row if one.row.expected else replace(one.row, expected=one.answer)


def _merged(row: Row, fresh: Row | None, written: bool) -> Row:
    """The row that is there with what is new about it."""
    if fresh is None:
        return row
    expected = fresh.expected if written or not row.expected else row.expected
    return replace(row, expected=expected, critical=row.critical or fresh.critical)
