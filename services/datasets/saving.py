"""The whole content of a dataset written at once or, when much of it changes, by a job that shows how far it is."""

import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.entities import EvaluationDataset

from services import audit, jobs
from services.audit import Verb
from services.datasets import managed, stored, versions
from services.datasets.row import Row, check, refuse_clashes
from services.datasets.stored import Stored
from services.datasets.unfinished import KIND, broken_off, can_resume, folder_of, latest, refuse_meanwhile
from services.errors import ConflictError, InvalidInputError, NotReadyError
from services.jobs import Cancelled, Job
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

# What is written within a click: about a second. One part of a job takes as long.
AT_ONCE = 500
KEPT_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Saving:
    """What makes the given rows the whole content: records to merge, and records to delete."""

    found: EvaluationDataset
    kept: list[Row]
    there: list[Stored]
    merged: list[dict[str, Any]]
    gone: list[str]

    @property
    def n(self) -> int:
        return len(self.merged) + len(self.gone)


def plan(workspace: "Workspace", id: str, rows: Iterable[Row], seen: datetime | None = None) -> Saving:
    """What is to be written; raises InvalidInputError, and ConflictError when the dataset changed after `seen`."""
    given = list(rows)
    refuse_clashes(given)
    kept, found = check(given), stored.load(workspace, id)
    if seen is not None and seen != updated_at(found):
        raise ConflictError(
            Message("The dataset {name} was changed while you worked on it.", name=found.name),
            Message("Look at the questions as they are now, then make your changes again."),
        )
    there = stored.read(found)
    gone = stored.surplus(kept, there)
    return Saving(found, kept, there, stored.records(given, there) or stored.touch(there), gone)


def write(
    workspace: "Workspace",
    saving: Saving,
    told: Callable[[int, int], None] = lambda done, n: None,
    resumed: bool = False,
) -> None:
    """Write it in parts; what `told` stops stays half written, as a version of its own."""
    found, id, stopped = saving.found, saving.found.dataset_id, None
    before = versions.keep(workspace, stored.distinct(saving.there)) if saving.there else None
    was = versions.told(id, before) if before else None
    with audit.change(workspace, Verb.SAVE_DATASET, found.name, before=was) as change:
        if before and not resumed:
            versions.notice(workspace, found, before)
        try:
            _write(saving, told)
            content = saving.kept
        except Cancelled as error:
            stopped, content = error, stored.distinct(stored.read(stored.load(workspace, id)))
        if content:
            change.after = versions.told(id, versions.keep(workspace, content))
    if stopped:
        raise stopped


def create(workspace: "Workspace", name: str, rows: Iterable[Row], at_once: int | None = None) -> str:
    """Make a dataset of at least one question and return its id; more than `at_once` are written by a job."""
    most = AT_ONCE if at_once is None else at_once
    kept, name = check(rows), name.strip()
    if not name:
        raise InvalidInputError(
            Message("The dataset has no name."), Message("Type a name that says what is asked in it.")
        )
    with audit.change(workspace, Verb.SAVE_DATASET, name, after=f"{len(kept)} rows") as change:
        made = _made(workspace, name)
        if len(kept) <= most:
            made.merge_records(stored.records(kept))
            change.after = versions.told(made.dataset_id, versions.keep(workspace, kept))
    if len(kept) > most:
        start(workspace, made, kept)
    return str(made.dataset_id)


def save(workspace: "Workspace", id: str, rows: Iterable[Row], seen: datetime | None = None) -> Job | None:
    """Make `rows` the whole content: before this returns, or by the job that is returned when much of it changes."""
    refuse_meanwhile(workspace, id)
    given = list(rows)
    saving = plan(workspace, id, given, seen)
    if saving.n > AT_ONCE:
        return start(workspace, saving.found, given, seen)
    write(workspace, saving)
    return None


def resume(workspace: "Workspace", id: str) -> Job:
    """Save again what the newest job failed to save; raises NotReadyError when it is not kept any more."""
    audit.require(workspace, Verb.SAVE_DATASET)
    refuse_meanwhile(workspace, id)
    job = latest(workspace, id)
    if job is None or not can_resume(workspace, job):
        raise _not_kept()
    begun = bool(job.args.get("resumed") or job.checkpoint.get("begun"))
    if begun and broken_off(workspace, id) is None:  # somebody saved it since
        raise _not_kept()
    return _submit(workspace, job.args | {"resumed": begun})


def start(workspace: "Workspace", found: EvaluationDataset, rows: Iterable[Row], seen: datetime | None = None) -> Job:
    """Queue it. The rows wait in a file, since a job's own line is read by every list of jobs."""
    audit.require(workspace, Verb.SAVE_DATASET)
    folder = folder_of(workspace)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(workspace, folder)
    file = folder / f"{uuid.uuid4().hex}.jsonl"
    file.touch(0o600)
    file.write_text("".join(f"{versions.to_line(row)}\n" for row in rows), "utf-8")
    id = found.dataset_id
    args = {"dataset_id": id, "name": found.name, "file": file.name, "seen": seen.isoformat() if seen else ""}
    try:
        return _submit(workspace, args)
    except ConflictError:
        file.unlink()
        raise


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “save_dataset”. Merging is done once per record, so another attempt does what is left.

    What was to be saved stays kept when it fails, so that nobody has to enter it again.
    """
    file = folder_of(workspace) / Path(work.args["file"]).name
    resumed = bool(work.args.get("resumed") or work.checkpoint.get("begun"))
    seen = datetime.fromisoformat(work.args["seen"]) if work.args["seen"] and not resumed else None
    try:
        saving = plan(workspace, work.args["dataset_id"], _waiting(file), seen)
        work.save({"begun": True})
        write(workspace, saving, work.progress, resumed)
    except (Cancelled, ConflictError):
        file.unlink(missing_ok=True)
        raise
    file.unlink()
    return {"rows": len(saving.kept)}


def updated_at(found: EvaluationDataset) -> datetime:
    return datetime.fromtimestamp((found.last_update_time or found.created_time) / 1000, UTC)


def _made(workspace: "Workspace", name: str) -> EvaluationDataset:
    if workspace.namespace:
        return managed.create(workspace, name)
    return workspace.client.create_dataset(
        name=name, experiment_id=[workspace.app.experiment_id], tags={"signalbox.app": workspace.app.id}
    )


def _write(saving: Saving, told: Callable[[int, int], None]) -> None:
    for done in range(0, len(saving.merged), AT_ONCE):
        told(done, saving.n)
        saving.found.merge_records(saving.merged[done : done + AT_ONCE])
    told(len(saving.merged), saving.n)
    if saving.gone:
        saving.found.delete_records(saving.gone)
    if saving.n > AT_ONCE:
        told(saving.n, saving.n)


def _waiting(file: Path) -> list[Row]:
    if not file.is_file():
        raise _not_kept()
    return [versions.of_line(json.loads(line)) for line in file.read_text("utf-8").split("\n") if line]


def _submit(workspace: "Workspace", args: dict[str, Any]) -> Job:
    """Queue it; raises ConflictError when somebody else's came first, whose rows are others."""
    job = jobs.submit(workspace, KIND, args, exclusive=f"{KIND}:{workspace.app.id}:{args['dataset_id']}")
    if job.args["file"] != args["file"]:
        raise ConflictError(
            Message("Somebody else is saving the dataset {name} right now; yours was not saved.", name=args["name"]),
            Message("Wait until it is done, look at the questions, then make your changes again."),
        )
    return job


def _not_kept() -> NotReadyError:
    return NotReadyError(
        Message("What was to be saved is not kept any more."), Message("Make your changes again and save them.")
    )


def _sweep(workspace: "Workspace", folder: Path) -> None:
    """A job that was cancelled before it began leaves its file, and one that failed and was never taken up."""
    waiting = {args["file"] for args in jobs.live_args(workspace.engine, KIND)}
    for file in folder.iterdir():
        if file.name in waiting:
            continue
        if time.time() - file.stat().st_mtime > KEPT_SECONDS:
            file.unlink(missing_ok=True)
