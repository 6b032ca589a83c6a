"""Reviewed answers become rows of a dataset, with the right answer where somebody wrote it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services import audit, datasets
from services.audit import Verb
from services.datasets import Row, gathering
from services.datasets.gathering import Gathered
from services.errors import NotReadyError
from services.messages import Message
from services.reviews import outcome
from services.reviews.records import Kind, Queue

if TYPE_CHECKING:
    from services.workspace import Workspace

NOTHING, GIVEN, NOTED, WRITTEN = range(4)


def collect(
    workspace: "Workspace",
    queue: Queue,
    dataset_id: str,
    trace_ids: Sequence[str],
    *,
    critical: bool = False,
    answers: bool = False,
) -> int:
    """Add the questions of these answers, and give those that are there their right answer; says how many rows changed.

    An expected answer that stands in the dataset is replaced only by one that a reviewer wrote in this queue. `answers`:
    what the agent said is the expected answer where nobody wrote one and people did not fail it.
    """
    audit.require(workspace, Verb.SAVE_DATASET)
    said = outcome.of(workspace, queue).values
    found = [
        _Told.of(one, queue, said.get(one.row.source, {}), answers) for one in gathering.of_traces(workspace, trace_ids)
    ]
    if not found:
        raise NotReadyError(Message("There is no answer to add yet."), Message("Review some answers first."))
    # Of several answers to one question the one that says best what was expected counts.
    best = {one.row.id: one for one in sorted(found, key=lambda one: one.weight)}
    written = {id for id, one in best.items() if one.weight == WRITTEN}
    fresh = {one.row.id: replace(best[one.row.id].row, critical=critical) for one in found}
    stands, there = datasets.get(workspace, dataset_id), datasets.whole_rows(workspace, dataset_id)
    kept = [_merged(row, fresh.pop(row.id, None), row.id in written) for row in there]
    if fresh or kept != there:
        datasets.save_rows(workspace, dataset_id, [*kept, *fresh.values()], seen=stands.updated_at)
    return len(fresh) + sum(one != other for one, other in zip(kept, there, strict=True))


@dataclass(frozen=True)
class _Told:
    """A question with its expected answer; `weight` says how good a word that is."""

    row: Row
    weight: int

    @classmethod
    def of(cls, one: Gathered, queue: Queue, said: Mapping[str, Any], answers: bool) -> "_Told":
        wrote = next(
            (said[label.name] for label in queue.labels if label.kind is Kind.ANSWER and said.get(label.name)), ""
        )
        if wrote:
            return cls(replace(one.row, expected=str(wrote)), WRITTEN)
        if one.row.expected:
            return cls(one.row, NOTED)
        failed = any(label.kind is Kind.PASS and said.get(label.name) is False for label in queue.labels)
        return cls(replace(one.row, expected=one.answer), GIVEN) if answers and not failed else cls(one.row, NOTHING)


def _merged(row: Row, fresh: Row | None, written: bool) -> Row:
    """The row that is there with what is new about it."""
    if fresh is None:
        return row
    expected = fresh.expected if written or not row.expected else row.expected
    return replace(row, expected=expected, critical=row.critical or fresh.critical)
