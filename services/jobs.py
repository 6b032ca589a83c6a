"""Long work as durable rows: submitted once, claimed by the worker, resumed after a crash, cancelled on request."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from services import audit
from services.audit import Verb
from services.database import job as table
from services.database import new_id, now, served, writing
from services.errors import ConsoleError, NotFoundError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

LEASE = timedelta(seconds=20)
MOST_ATTEMPTS = 5

HANDLERS: dict[str, str] = {
    "log_agent": "services.agents:run",
    "try_agent": "services.agents:run_try",
    "evaluate": "services.evaluations:run",
    "release": "services.releases:run",
    "score_live": "services.monitoring:score_live",
}


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (State.QUEUED.value, State.RUNNING.value)


class Cancelled(BaseException):
    """Someone asked the job to stop; not an Exception, so that no library's handler swallows it."""


class Superseded(BaseException):
    """Another attempt took the job over; this one may write nothing more."""


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
    def live(self) -> bool:
        return self.state in LIVE


def submit(
    workspace: "Workspace", kind: str, args: dict[str, Any], *, exclusive: str | None = None, every: int | None = None
) -> Job:
    """Queue a job; while one with the same `exclusive` key is live, that one is returned and nothing is queued.

    `every`: seconds after which a finished job runs again by itself.
    """
    row = {
        "kind": kind,
        "app_id": workspace.app.id,
        "args": args,
        "actor": workspace.actor.id,
        "groups": list(workspace.actor.groups),
        "state": State.QUEUED.value,
        "exclusive": exclusive,
        "every": every,
        "checkpoint": {},
        "result": {},
    }
    try:
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            id = new_id(connection.execute(insert(table).values(row)))
    except IntegrityError:
        with workspace.engine.connect() as connection:
            live = select(table.c.id).where(table.c.exclusive == exclusive, table.c.state.in_(LIVE))
            found = connection.execute(live).scalar()
        # It may have ended in between: then the way is free.
        return get(workspace, found) if found else submit(workspace, kind, args, exclusive=exclusive, every=every)
    return get(workspace, id)


def get(workspace: "Workspace", id: int) -> Job:
    """One job of this app; raises NotFoundError."""
    with workspace.engine.connect() as connection:
        row = connection.execute(select(table).where(table.c.id == id)).one_or_none()
    if row is None or row.app_id != workspace.app.id:
        raise NotFoundError(Message("Job {id} does not exist in this app.", id=id), Message("Open the list of jobs."))
    return _from_row(row._mapping)


def recent(workspace: "Workspace", kind: str | None = None, limit: int = 20) -> list[Job]:
    """The app's newest jobs, newest first."""
    query = select(table).where(table.c.app_id == workspace.app.id).order_by(table.c.id.desc()).limit(limit)
    if kind:
        query = query.where(table.c.kind == kind)
    with workspace.engine.connect() as connection:
        return [_from_row(row._mapping) for row in connection.execute(query)]


def cancel(workspace: "Workspace", id: int) -> None:
    """Ask a job to stop; a queued one stops at once, a running one at its next step."""
    job = get(workspace, id)
    verb = Verb.STOP_RELEASE if job.kind == "release" else Verb.CANCEL_JOB
    with audit.change(workspace, verb, f"{job.kind} {id}"), writing(workspace.engine) as connection:
        connection.execute(update(table).where(table.c.id == id).values(cancel=True))
        connection.execute(
            update(table)
            .where(table.c.id == id, table.c.state == State.QUEUED.value)
            .values(state=State.CANCELLED.value, ended_at=now())
        )


class Work:
    """A running job as its handler sees it."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self.engine = engine
        self.job = job
        self.args = job.args
        self.checkpoint = dict(job.checkpoint)
        self._last_written = 0.0

    def progress(self, done: int, total: int, note: Message | None = None) -> None:
        """Show how far the work is; raises Cancelled or Superseded. Cheap: written four times a second at most."""
        if done < total and time.monotonic() - self._last_written < 0.25:
            return
        self._last_written = time.monotonic()
        self._write(done=done, total=total, **({"note": note.to_json()} if note else {}))

    def save(self, checkpoint: dict[str, Any]) -> None:
        """Keep what a later attempt needs; durable when this returns."""
        self.checkpoint = checkpoint
        self._write(checkpoint=checkpoint)

    def fence(self, connection: Connection) -> None:
        """Raise Superseded when another attempt owns the job; call inside the transaction of a write."""
        owner = select(table.c.attempt).where(table.c.id == self.job.id, table.c.state == State.RUNNING.value)
        if connection.execute(owner).scalar() != self.job.attempt:
            raise Superseded

    def _write(self, **values: Any) -> None:
        with writing(self.engine) as connection:
            self.fence(connection)
            connection.execute(
                update(table).where(table.c.id == self.job.id).values(lease_until=now() + LEASE, **values)
            )
            cancel = connection.execute(select(table.c.cancel).where(table.c.id == self.job.id)).scalar_one()
        if cancel:
            raise Cancelled


# What the worker calls.


def claim(engine: Engine, mine: Collection[int] = (), only_releases: bool = False) -> Job | None:
    """Take the next due job, releases first, also one whose lease ran out; its attempt number goes up by one.

    `mine`: the jobs whose children are alive, which a clock that jumped must not start again.
    """
    due = or_(
        and_(table.c.state == State.QUEUED.value, table.c.due_at <= now()),
        and_(table.c.state == State.RUNNING.value, table.c.lease_until < now()),
    )
    if only_releases:
        due = and_(due, table.c.kind == "release")
    first = (table.c.kind == "release").desc(), table.c.due_at, table.c.id
    query = select(table).where(due, table.c.id.not_in(mine)).order_by(*first).limit(1)
    with writing(engine) as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        taken = {
            "state": State.RUNNING.value,
            "attempt": row.attempt + 1,
            "lease_until": now() + LEASE,
            "started_at": now(),
            "ended_at": None,
        }
        connection.execute(update(table).where(table.c.id == row.id).values(taken))
    return _from_row({**row._mapping, **taken})


def extend(engine: Engine, job: Job) -> None:
    """Keep a job whose child is alive."""
    with writing(engine) as connection:
        connection.execute(_owned(job).values(lease_until=now() + LEASE))


def finish(engine: Engine, job: Job, result: dict[str, Any]) -> None:
    _end(engine, job, State.DONE, result=result, note=None)


def stop(engine: Engine, job: Job) -> None:
    _end(engine, job, State.CANCELLED)


def fail(engine: Engine, job: Job, error: ConsoleError) -> None:
    """End with what the operator should read; a recurring job tries again at its next time."""
    remedy = error.remedy.to_json() if error.remedy else None
    _end(engine, job, State.FAILED, error=error.message.to_json(), remedy=remedy)


def requeue(engine: Engine, job: Job) -> None:
    """Give an interrupted job back; after MOST_ATTEMPTS it fails, so that a job that kills its worker ends."""
    if job.attempt >= MOST_ATTEMPTS and not job.recurring:
        message = Message("It was interrupted {times} times and was given up.", times=job.attempt)
        fail(
            engine,
            job,
            ConsoleError(message, Message("Start it again; if it stays, show the worker's log to an engineer.")),
        )
        return
    with writing(engine) as connection:
        connection.execute(_owned(job).values(state=State.QUEUED.value, lease_until=None, due_at=now()))


def requeue_all(engine: Engine) -> int:
    """Give back what a dead worker left running; only the owner of the worker's lock may call it."""
    with engine.connect() as connection:
        left = [
            _from_row(row._mapping)
            for row in connection.execute(select(table).where(table.c.state == State.RUNNING.value))
        ]
    for job in left:
        requeue(engine, job)
    return len(left)


def nudge(engine: Engine, kind: str, app_id: str) -> None:
    """Run a waiting recurring job now."""
    waiting = and_(table.c.kind == kind, table.c.app_id == app_id, table.c.state == State.QUEUED.value)
    with writing(engine) as connection:
        connection.execute(update(table).where(waiting).values(due_at=now()))


def asked_since_scored(engine: Engine) -> list[str]:
    """Apps whose endpoint was asked around or after the last scoring; traces arrive up to six seconds late."""
    waiting = and_(table.c.app_id == served.c.app_id, table.c.kind == "score_live", table.c.state == State.QUEUED.value)
    query = select(served.c.app_id, served.c.asked_at, table.c.started_at, table.c.ended_at).join(table, waiting)
    with engine.connect() as connection:
        rows = connection.execute(query.where(served.c.asked_at.is_not(None), table.c.ended_at.is_not(None))).all()
    rested, late = now() - timedelta(seconds=2), timedelta(seconds=6)
    return sorted({row.app_id for row in rows if row.asked_at > row.started_at - late and row.ended_at < rested})


def _end(engine: Engine, job: Job, state: State, **values: Any) -> None:
    with writing(engine) as connection:
        every = connection.execute(select(table.c.every).where(table.c.id == job.id)).scalar_one()
        again = every is not None and state is not State.CANCELLED
        ended = (
            {"state": state.value}
            if not again
            else {"state": State.QUEUED.value, "due_at": now() + timedelta(seconds=every)}
        )
        cleared = {"error": None, "remedy": None} | values
        connection.execute(_owned(job).values(ended_at=now(), lease_until=None, **ended, **cleared))


def _owned(job: Job) -> Any:
    return update(table).where(
        table.c.id == job.id, table.c.attempt == job.attempt, table.c.state == State.RUNNING.value
    )


PLAIN = ("id", "kind", "app_id", "args", "actor", "attempt", "done", "total", "checkpoint", "result")
TIMES = ("created_at", "started_at", "ended_at")


def _from_row(row: Any) -> Job:
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
