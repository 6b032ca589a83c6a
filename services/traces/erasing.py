"""Personal data: a trace, or everything one person asked, deleted wherever the console keeps it, with a record of it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import archive, audit, datasets, readmodel
from services.audit import Verb
from services.datasets import stored
from services.errors import InvalidInputError, translated
from services.messages import Message
from services.readmodel.facts import USER
from services.traces import stored as stored_trace
from services.traces.queries import TraceQuery
from services.traces.rows import PAIR_TAG, read_infos

if TYPE_CHECKING:
    from services.workspace import Workspace

EVER = 24 * 365 * 50.0
AT_ONCE = 100
QUOTING = set("'\"`\\")


@dataclass(frozen=True)
class Erased:
    """What was deleted: traces with their words and verdicts, the rows that datasets had taken from them, archived copies."""

    traces: int
    rows: int
    archived: int = 0


def erase(workspace: "Workspace", trace_id: str, why: str) -> Erased:
    """Delete one trace for good, and the other answer to its question; raises InvalidInputError without a reason."""
    audit.require(workspace, Verb.ERASE_TRACES)
    return _erase(workspace, list(dict.fromkeys([trace_id, *_copied(workspace, trace_id)])), trace_id, why)


def erase_person(workspace: "Workspace", person: str, why: str) -> Erased:
    """Delete for good what was asked in the name of `person`; raises InvalidInputError without a reason."""
    audit.require(workspace, Verb.ERASE_TRACES)
    held = dict.fromkeys(
        [*_known(workspace, person), *_in_mlflow(workspace, person), *archive.of_person(workspace, person)]
    )
    return _erase(workspace, list(held), f"person: {len(held)}", why)


def left_over(workspace: "Workspace") -> Message | None:
    """Where a copy stays that deleting here does not reach, and what removes it; None where there is none."""
    if workspace.settings.databricks is None:
        return None
    from services.platforms.databricks import archiving

    table = archiving.named(workspace)
    if not table:
        return Message(
            "A table into which the workspace archives traces keeps it: delete it there with SQL, then VACUUM."
        )
    return Message("The archive table {table} keeps it: delete it there with SQL, then VACUUM.", table=table)


def _copied(workspace: "Workspace", trace_id: str) -> list[str]:
    """Both answers to a question that was copied for a shadow: they hold the same words."""
    with translated(Message("Reading the trace")):
        found = stored_trace(workspace, trace_id)
    mark = found.info.tags.get(PAIR_TAG, "") if found else ""
    if not mark or QUOTING & set(mark):
        return []
    return [one.trace_id for one in read_infos(workspace, EVER, sys.maxsize, f" AND tags.`{PAIR_TAG}` = '{mark}'")]


def _known(workspace: "Workspace", person: str) -> Iterator[str]:
    """By the read model, which may still know what others deleted in MLflow: datasets hold its words, too."""
    readmodel.catch_up(workspace)
    asked: int | None = None
    while True:
        query = TraceQuery(hours=EVER, origin=None, user=person, limit=AT_ONCE, before=asked)
        page = readmodel.find(workspace, query)
        yield from (row.trace_id for row in page.rows)
        asked = page.older
        if asked is None:
            return


def _in_mlflow(workspace: "Workspace", person: str) -> Iterator[str]:
    """By MLflow itself: the read model may not have come to everything yet."""
    # MLflow's filters know no escape, so a name with a quote is looked for among all traces.
    words = "" if QUOTING & set(person) else f" AND metadata.`{USER}` = '{person}'"
    for info in read_infos(workspace, EVER, sys.maxsize, words):
        if info.trace_metadata.get(USER) == person:
            yield str(info.trace_id)


def _erase(workspace: "Workspace", trace_ids: Sequence[str], subject: str, why: str) -> Erased:
    """The record names no person and holds no words: it must be able to stay."""
    audit.require(workspace, Verb.ERASE_TRACES)
    if not why.strip():
        raise InvalidInputError(
            Message("Deleting for good needs a reason."), Message("Say who asked for it, without their name.")
        )
    with audit.change(workspace, Verb.ERASE_TRACES, subject, before=list(trace_ids), why=why.strip()) as change:
        rows = sum(_forget_rows(workspace, set(trace_ids)))
        # Together: between the two, bringing back to MLflow would undo it.
        with archive.erasing(workspace) as forget:
            for batch in _batches(trace_ids):
                with translated(Message("Deleting traces for good")):
                    workspace.client.delete_traces(workspace.app.experiment_id, trace_ids=batch)
                readmodel.forget(workspace, batch)
            archived = forget(list(trace_ids))
        change.after = {"traces": len(trace_ids), "rows": rows} | ({"archived": archived} if archived else {})
    return Erased(len(trace_ids), rows, archived)


def _forget_rows(workspace: "Workspace", trace_ids: set[str]) -> Iterator[int]:
    """Not `datasets.save_rows`, which keeps what was there before as a version."""
    for dataset in datasets.all(workspace):
        found = stored.load(workspace, dataset.id)
        there = stored.read(found)
        gone = [one.record for one in there if one.row.source in trace_ids]
        if gone:
            found.delete_records(gone)
            left = [one for one in there if one.record not in gone]
            if left:
                found.merge_records(stored.touch(left))
            yield len(gone)


def _batches(trace_ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(trace_ids), AT_ONCE):
        yield list(trace_ids[start : start + AT_ONCE])
