"""The archive: all traces of an app in a Delta table that other tools read as it is, for as long as the team wants.

MLflow stays the truth. The table follows it, also late verdicts, edits and deletions; only what MLflow is meant to lose by
age stays in the archive alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import audit, jobs
from services.archive import acting, cursor, keeping, plan, table
from services.archive.acting import ACT, ACTIONS, CHECK, COMPACT, check, compact, put_back, run_action
from services.archive.copying import copy
from services.archive.plan import LEAST_IN_MLFLOW, Plan, load
from services.archive.queries import Query, ready
from services.archive.verifying import Comparison
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message
from services.people import CONSOLE

if TYPE_CHECKING:
    from pathlib import Path

    from services.jobs import Job, Work
    from services.workspace import Workspace

__all__ = [
    "ACT",
    "ACTIONS",
    "CHECK",
    "COMPACT",
    "FOLLOW",
    "LEAST_IN_MLFLOW",
    "Comparison",
    "Plan",
    "Query",
    "State",
    "backfill",
    "change_ages",
    "check",
    "compact",
    "delete",
    "erasing",
    "forget",
    "of_person",
    "older",
    "path",
    "put_back",
    "ready",
    "resume",
    "run",
    "run_action",
    "start",
    "state",
    "stop",
]

FOLLOW = "archive_traces"
EVERY = 60


@dataclass(frozen=True)
class State:
    """How far the archive is. `complete`: everything was copied once. `looked_at`: nothing newer was in MLflow then."""

    plan: Plan
    rows: int
    size: int
    files: int
    oldest: datetime | None
    newest: datetime | None
    complete: bool
    looked_at: datetime | None

    @property
    def exists(self) -> bool:
        return self.rows > 0 or self.looked_at is not None


def state(workspace: "Workspace") -> State:
    chosen, held = load(workspace), table.read(workspace)
    if held is None:
        return State(chosen, 0, 0, 0, None, None, False, None)
    complete, looked = cursor.how_far(table.folder(workspace))
    facts = table.facts(held)
    times = [facts[one].to_pylist() if facts.num_rows else [] for one in ("min.time", "max.time")]
    at = datetime.fromtimestamp(looked / 1000, UTC) if looked else None
    sums = [sum(facts[one].to_pylist()) for one in ("num_records", "size_bytes")]
    return State(
        chosen, sums[0], sums[1], facts.num_rows, min(times[0], default=None), max(times[1], default=None), complete, at
    )


def path(workspace: "Workspace") -> "Path":
    """What other tools open."""
    return table.path(workspace)


def start(workspace: "Workspace", everything: bool = True) -> "Job":
    """Copy from now on, again and again; `everything`: also what MLflow has from before."""
    before = load(workspace)
    since = None if everything else str(plan.today())
    with audit.change(workspace, Verb.START_ARCHIVE, "archive", before=before.since) as change:
        plan.change(workspace, lambda now: replace(now, on=True, since=since))
        change.after = since
        _look_at_all(workspace)
        return _follow(workspace)


def resume(workspace: "Workspace") -> "Job":
    """Go on as it was chosen, after somebody cancelled the job."""
    with audit.change(workspace, Verb.START_ARCHIVE, "archive", before=load(workspace).since):
        return _follow(workspace)


def stop(workspace: "Workspace") -> None:
    """Copy nothing more; what is in the archive stays, and is not followed any more."""
    with audit.change(workspace, Verb.STOP_ARCHIVE, "archive"):
        plan.change(workspace, lambda now: replace(now, on=False))
        # A copying that runs ends by itself: cancelled, it would be in the way of one that is started at once.
        waiting = [one for one in jobs.recent(workspace, FOLLOW, limit=5) if one.state is jobs.State.QUEUED]
        for job in [*waiting, *(one for one in jobs.recent(workspace, ACT, limit=5) if one.live)]:
            jobs.cancel(workspace, job.id)


def backfill(workspace: "Workspace") -> "Job":
    """Copy also what is older than the day on which the archive was started."""
    with audit.change(workspace, Verb.START_ARCHIVE, "archive", before=load(workspace).since):
        plan.change(workspace, lambda now: replace(now, since=None))
        _look_at_all(workspace)
        return _follow(workspace)


def change_ages(workspace: "Workspace", keep_days: int | None, mlflow_days: int | None) -> None:
    """How many days the archive and MLflow keep traces; None for no end. Raises InvalidInputError."""
    before = load(workspace)
    plan.check(replace(before, keep_days=keep_days, mlflow_days=mlflow_days))
    ages = {"archive": keep_days, "mlflow": mlflow_days}
    old = {"archive": before.keep_days, "mlflow": before.mlflow_days}
    with audit.change(workspace, Verb.CHANGE_ARCHIVE_AGES, "archive", before=old, after=ages):
        plan.change(workspace, lambda now: replace(now, keep_days=keep_days, mlflow_days=mlflow_days))


def older(workspace: "Workspace", keep_days: int) -> int:
    """How many traces the archive would drop if it kept them for so many days."""
    held, kept_from = table.read(workspace), plan.today() - timedelta(days=keep_days)
    files = table.facts(held).to_pylist() if held else []
    return sum(one["num_records"] for one in files if one["partition.day"] < kept_from)


def delete(workspace: "Workspace", why: str) -> None:
    """Stop, and delete the archive with everything in it; raises InvalidInputError without a reason."""
    if not why.strip():
        raise InvalidInputError(Message("Deleting for good needs a reason."), Message("Say why it is not needed."))
    with audit.change(workspace, Verb.ERASE_ARCHIVE, "archive", before={"traces": state(workspace).rows}, why=why):
        stop(workspace)
        with table.locked(workspace):
            table.discard(workspace)
            plan.change(workspace, lambda now: replace(now, lost_before=None))


def of_person(workspace: "Workspace", person: str) -> list[str]:
    """The ids of what the archive holds in the name of `person`."""
    held = table.read(workspace)
    if held is None:
        return []
    found = held.to_pyarrow_table(columns=["trace_id"], filters=[("user", "=", person)])
    return [str(one) for one in found["trace_id"].to_pylist()]


@contextmanager
def erasing(workspace: "Workspace") -> Iterator[Callable[[list[str]], int]]:
    """Nobody copies or brings back meanwhile; what it gives removes traces for good and returns how many were here."""

    def forget(trace_ids: list[str]) -> int:
        if table.read(workspace) is None:
            return 0
        with table.opened(workspace) as place:
            return place.forget(trace_ids)

    with table.locked(workspace):
        yield forget


def forget(workspace: "Workspace", trace_ids: list[str]) -> int:
    """Remove traces for good, with every file that held them; returns how many were here."""
    with erasing(workspace) as gone:
        return gone(trace_ids)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the recurring job: copy what is new, then look after the ages and the files; ends when stopped."""
    chosen = load(workspace)
    if not chosen.on:
        raise jobs.Cancelled
    copied = copy(workspace, chosen, acting.telling(work, Message("Copying traces to the archive")))
    dropped = keeping.drop(workspace, chosen)
    relieved = keeping.relieve(workspace, chosen, acting.telling(work, Message("Making room in MLflow")))
    keeping.tidy(workspace)
    return {"copied": copied, "dropped": dropped, "relieved": relieved}


def _look_at_all(workspace: "Workspace") -> None:
    """What was left out until now is not new: only a look at everything finds it."""
    with table.writing(workspace) as place:
        cursor.note(place.notes, "complete", 0)


def _follow(workspace: "Workspace") -> "Job":
    """As the console: it goes on also when who started it may not any more."""
    jobs.nudge(workspace.engine, FOLLOW, workspace.app.id)
    console = replace(workspace, actor=CONSOLE)
    return jobs.submit(console, FOLLOW, {}, exclusive=f"{FOLLOW}:{workspace.app.id}", every=EVERY)
