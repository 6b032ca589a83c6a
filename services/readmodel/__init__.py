"""The read model: what charts and searches ask, added up and indexed beside MLflow, which stays the truth.

One SQLite file per experiment, filled exactly once per quarter hour of traces; it may be deleted and is then made again.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from services import audit, jobs
from services.audit import Verb
from services.errors import NotReadyError
from services.messages import Message
from services.readmodel import file, filling
from services.readmodel.finding import conversations, count, find, known, some, unjudged
from services.readmodel.sampling import Stretch, sample
from services.readmodel.series import Part, Scored, Series, Versions, Window, read, versions
from services.readmodel.slots import Slots
from services.readmodel.slots import read as slots
from services.readmodel.verifying import Check, verify
from services.traces.queries import Conversation, Found, TraceQuery

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

__all__ = [
    "Check",
    "Conversation",
    "Found",
    "Part",
    "Scored",
    "Series",
    "Slots",
    "State",
    "Stretch",
    "TraceQuery",
    "Versions",
    "Window",
    "catch_up",
    "conversations",
    "count",
    "find",
    "forget",
    "known",
    "read",
    "rebuild",
    "run",
    "sample",
    "slots",
    "some",
    "state",
    "unjudged",
    "verify",
    "versions",
]

PATIENCE = 0.4
JOB = "read_traces"


@dataclass(frozen=True)
class State:
    """How far the file is. `complete`: everything was read once. `looked_at`: nothing newer was in MLflow at that time."""

    complete: bool
    looked_at: datetime | None
    traces: int
    size: int


def catch_up(workspace: "Workspace", seconds: float = PATIENCE) -> None:
    """Read what is new, for a screen that opens: at most `seconds`, and not while somebody else reads."""
    end = time.monotonic() + seconds
    with file.writing(workspace, wait=False) as connection:
        if connection is not None:
            wanted = filling.glance(workspace, connection)
            filling.fill(workspace, connection, lambda done, waiting: time.monotonic() > end, wanted)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the recurring job: read everything that is new, changed or gone."""

    def told(done: int, waiting: int) -> bool:
        work.progress(done, waiting, Message("Reading traces for the charts"))
        return False

    anew = bool(work.args.get("rebuild")) and not work.checkpoint.get("emptied")
    if anew:
        file.discard(workspace)
    with file.writing(workspace) as connection:
        assert connection is not None
        if anew:
            work.save({"emptied": True})
        filling.fill(workspace, connection, told)
    return {"traces": state(workspace).traces}


def rebuild(workspace: "Workspace") -> "Job":
    """Throw the read model away and read everything from MLflow again, as a job."""
    with audit.change(workspace, Verb.REBUILD_READ_MODEL, "read model"):
        return jobs.submit(workspace, JOB, {"rebuild": True}, exclusive=f"rebuild:{workspace.app.id}")


def state(workspace: "Workspace") -> State:
    try:
        with file.reading(workspace) as connection:
            looked = file.meta(connection, "looked")
            size = file.path(workspace).stat().st_size
            counted = connection.execute("SELECT coalesce(sum(n), 0) FROM hour_sum").fetchone()[0]
            at = datetime.fromtimestamp(looked / 1000, UTC) if looked else None
            return State(bool(file.meta(connection, "complete")), at, counted, size)
    except NotReadyError:
        return State(False, None, 0, 0)


def forget(workspace: "Workspace", trace_ids: list[str]) -> int:
    """Remove traces that were deleted in MLflow now, without waiting for the next look; returns how many were here."""
    with file.writing(workspace) as connection:
        assert connection is not None
        return filling.forget_all(workspace, connection, trace_ids)
