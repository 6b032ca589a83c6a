"""A running job as its handler sees it: it shows progress, keeps what a later attempt needs, and hears of a stop."""

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from services.database import job as table
from services.database import now, writing
from services.jobs.records import Job, State
from services.messages import Message

LEASE = timedelta(seconds=20)


class Cancelled(BaseException):
    """Someone asked the job to stop; not an Exception, so that no library's handler swallows it."""


class Superseded(BaseException):
    """Another attempt took the job over; this one may write nothing more."""


class Work:
    """A running job as its handler sees it."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self.engine = engine
        self.job = job
        self.args = job.args
        self.checkpoint = dict(job.checkpoint)
        self._last_written = self._last_checked = 0.0

    def progress(self, done: int, total: int, note: Message | None = None) -> None:
        """Show how far the work is; raises Cancelled or Superseded. Cheap: written four times a second at most."""
        if done < total and time.monotonic() - self._last_written < 0.25:
            return
        self._last_written = time.monotonic()
        self._write(done=done, total=total, **({"note": note.to_json()} if note else {}))

    def check(self) -> None:
        """Keep the lease; raises Cancelled or Superseded. Cheap like `progress`, which it does not hold back."""
        if time.monotonic() - self._last_checked >= 0.25:
            self._last_checked = time.monotonic()
            self._write()

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
