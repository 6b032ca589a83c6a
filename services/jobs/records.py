"""A job as it is stored: one row that everyone reads."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select

from services.database import job as table
from services.errors import NotFoundError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (State.QUEUED.value, State.RUNNING.value)


PLAIN = ("id", "kind", "app_id", "args", "actor", "attempt", "done", "total", "checkpoint", "result")


TIMES = ("created_at", "started_at", "ended_at")


@dataclass(frozen=True)
class Job:
    """One piece of long work as everyone sees it."""

    id: int
    kind: str
    app_id: str
    args: dict[str, Any]
    actor: str
    groups: tuple[str, ...]
    state: State
    attempt: int
    done: int
    total: int
    note: Message | None
    checkpoint: dict[str, Any]
    result: dict[str, Any]
    error: Message | None
    remedy: Message | None
    cancelling: bool
    recurring: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def elsewhere(self) -> bool:
        """Whether it only follows work that a platform carries out."""
        return "where" in self.args

    @property
    def live(self) -> bool:
        return self.state in LIVE


def get(workspace: "Workspace", id: int) -> Job:
    """One job of this app; raises NotFoundError."""
    with workspace.engine.connect() as connection:
        row = connection.execute(select(table).where(table.c.id == id)).one_or_none()
    if row is None or row.app_id != workspace.app.id:
        raise NotFoundError(Message("Job {id} does not exist in this app.", id=id), Message("Open the list of jobs."))
    return from_row(row._mapping)


def recent(workspace: "Workspace", kind: str | None = None, limit: int = 20) -> list[Job]:
    """The app's newest jobs, newest first."""
    query = select(table).where(table.c.app_id == workspace.app.id).order_by(table.c.id.desc()).limit(limit)
    if kind:
        query = query.where(table.c.kind == kind)
    with workspace.engine.connect() as connection:
        return [from_row(row._mapping) for row in connection.execute(query)]


def live_args(engine: Engine, kind: str) -> list[dict[str, Any]]:
    """What the waiting and running jobs of a kind were asked, of every app."""
    with engine.connect() as connection:
        found = connection.execute(select(table.c.args).where(table.c.kind == kind, table.c.state.in_(LIVE)))
        return [dict(args) for args in found.scalars()]


def from_row(row: Any) -> Job:
    facts: dict[str, Any] = {name: row[name] for name in PLAIN + TIMES}
    for name in ("note", "error", "remedy"):
        facts[name] = Message.from_json(row[name]) if row[name] else None
    return Job(
        **facts,
        state=State(row["state"]),
        groups=tuple(row["groups"] or ()),
        cancelling=row["cancel"],
        recurring=row["every"] is not None,
    )
