"""The queue as the worker sees it: jobs are claimed under a lease, ended, given back."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.database import app, now, served, setting, writing
from services.database import job as table
from services.errors import ConsoleError
from services.jobs.records import LIVE, Job, State, from_row
from services.jobs.work import LEASE
from services.messages import Message
from services.people import CONSOLE

MOST_ATTEMPTS = 5
LONG = timedelta(minutes=5)
MOMENT = timedelta(seconds=1)
QUEUED, RUNNING = table.c.state == State.QUEUED.value, table.c.state == State.RUNNING.value

# Asked again and again while nothing happens, and built once: to build one takes several times as long as its answer.
_DUE = select(table).where(
    or_(and_(QUEUED, table.c.due_at <= bindparam("at")), and_(RUNNING, table.c.lease_until < bindparam("at"))),
    table.c.id.not_in(bindparam("mine", expanding=True)),
)
_NEXT = _DUE.order_by((table.c.kind == "release").desc(), table.c.due_at, table.c.id).limit(1)
_NEXT_RELEASE = _NEXT.where(table.c.kind == "release")
_WAITING_AFTER = select(table).where(QUEUED, table.c.due_at > bindparam("at"))
_WITHOUT = select(app.c.id).where(
    app.c.archived.is_(False),
    app.c.id.not_in(select(table.c.app_id).where(table.c.kind == bindparam("kind"), table.c.state.in_(LIVE))),
)
_WITHOUT_HAVING = _WITHOUT.where(app.c.id.in_(select(setting.c.app_id).where(setting.c.key == bindparam("having"))))
_ASKED = (
    select(served.c.app_id, served.c.asked_at, table.c.started_at, table.c.ended_at)
    .join(table, and_(table.c.app_id == served.c.app_id, table.c.kind == "score_live", QUEUED))
    .where(served.c.asked_at.is_not(None), table.c.ended_at.is_not(None))
)


def claim(engine: Engine, mine: Collection[int] = (), only_releases: bool = False) -> Job | None:
    """Take the next due job, releases first, also one whose lease ran out; its attempt number goes up by one.

    `mine`: the jobs whose children are alive, which a clock that jumped must not start again.
    """
    query = _NEXT_RELEASE if only_releases else _NEXT
    with engine.connect() as connection:  # mostly nothing is due, and looking keeps nobody from writing
        if connection.execute(query, {"at": now(), "mine": list(mine)}).one_or_none() is None:
            return None
    with writing(engine) as connection:
        row = connection.execute(query, {"at": now(), "mine": list(mine)}).one_or_none()
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
    return from_row({**row._mapping, **taken})


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


def requeue(engine: Engine, job: Job, clean: bool = False) -> None:
    """Give an interrupted job back; after MOST_ATTEMPTS it fails, so that a job that kills its worker ends.

    A release, and what only follows work elsewhere, outlives every `clean` stop of the worker, and what ran for long does not kill it: a canary takes days,
    and given up it would leave its share to a version that nobody watches.
    """
    lasted = job.started_at is not None and now() - job.started_at > LONG
    outlives = (job.kind == "release" or job.elsewhere) and (clean or lasted)
    if job.attempt >= MOST_ATTEMPTS and not job.recurring and not outlives:
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
        left = [from_row(row._mapping) for row in connection.execute(select(table).where(RUNNING))]
    for job in left:
        requeue(engine, job)
    return len(left)


def ensure(engine: Engine, kind: str, every: int, having: str | None = None) -> None:
    """Let the console itself do `kind` again and again for every app that is not archived and has no such job.

    `having`: only for apps that ever saved this setting.
    """
    missing = _WITHOUT if having is None else _WITHOUT_HAVING
    with engine.connect() as connection:
        ids = connection.execute(missing, {"kind": kind, "having": having}).scalars().all()
    for id in ids:
        row = {"kind": kind, "app_id": id, "args": {}, "actor": CONSOLE.id, "state": State.QUEUED.value, "every": every}
        stored = row | {"exclusive": f"{kind}:{id}", "checkpoint": {}, "result": {}}
        with suppress(IntegrityError), writing(engine) as connection:
            connection.execute(insert(table).values(stored))


def nudge(engine: Engine, kind: str, app_id: str) -> None:
    """Run a waiting recurring job now."""
    waiting = and_(table.c.kind == kind, table.c.app_id == app_id, QUEUED)
    with writing(engine) as connection:
        connection.execute(update(table).where(waiting).values(due_at=now()))


def put_right(engine: Engine) -> int:
    """Let go what a clock that was ahead and was put back would hold up; returns how many jobs were held.

    The time that a person chose for a release stays.
    """
    at = now()
    with engine.connect() as connection:
        late = connection.execute(_WAITING_AFTER, {"at": at + MOMENT})
        held = [(row, due) for row in late if (due := _rightly_due(row, at)) is not None]
    for row, due in held:
        still = and_(table.c.id == row.id, QUEUED, table.c.due_at > due)
        with writing(engine) as connection:
            connection.execute(update(table).where(still).values(due_at=due, created_at=min(row.created_at, at)))
    return len(held)


def _rightly_due(row: Any, at: datetime) -> datetime | None:
    """When a waiting job should start instead; None where its time is right."""
    if row.every is not None:
        return at if row.due_at > at + timedelta(seconds=row.every) + MOMENT else None
    if row.attempt:  # it was given back, to go on at once
        return at
    wait = row.due_at - row.created_at
    chosen = row.kind == "release" and wait > MOMENT
    return at + max(wait, timedelta()) if row.created_at > at + MOMENT and not chosen else None


def asked_since_scored(engine: Engine) -> list[str]:
    """Apps whose endpoint was asked around or after the last scoring; traces arrive up to six seconds late."""
    with engine.connect() as connection:
        rows = connection.execute(_ASKED).all()
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
    return update(table).where(table.c.id == job.id, table.c.attempt == job.attempt, RUNNING)
