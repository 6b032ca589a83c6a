"""Work that was under way when a backup was made must not go on by itself when its console is started again."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, update

from services import database
from services.audit import Verb, chain
from services.database import job, now, release, served, writing
from services.jobs import LIVE
from services.jobs import State as JobState
from services.messages import Message
from services.operations.manifest import Manifest
from services.people import CONSOLE
from services.releases.facts import State
from services.settings import Settings


@dataclass(frozen=True)
class Halted:
    """The numbers of the jobs that were cancelled and of the releases that were stopped."""

    jobs: tuple[int, ...]
    releases: tuple[int, ...]


def halt(file: Path, settings: Settings, made: Manifest) -> Halted:
    """Cancel what waits or runs in the restored database, stop its releases, and note in its log where it came from.

    What the console does again and again goes on.
    """
    engine = database.connect(f"sqlite:///{file}")
    with writing(engine) as connection:
        halted = Halted(_jobs(connection), _releases(connection))
        # Processes of another machine or time: the gateway starts what is wanted anew.
        connection.execute(update(served).values(pid=None, port=None))
        chain.append(connection, _line(settings, made, halted))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return halted


def _jobs(connection: Connection) -> tuple[int, ...]:
    live = job.c.state.in_(LIVE), job.c.every.is_(None)
    found = connection.execute(select(job.c.id).where(*live)).scalars().all()
    ended = {"state": JobState.CANCELLED.value, "lease_until": None, "ended_at": now()}
    connection.execute(update(job).where(*live).values(ended))
    return tuple(found)


def _releases(connection: Connection) -> tuple[int, ...]:
    under_way = release.c.state == State.RUNNING.value
    found = connection.execute(select(release.c.id).where(under_way)).scalars().all()
    told = {
        "message": Message("It was under way when the backup was made from which the console was restored.").to_json(),
        "remedy": Message("Look at what answers now, then resume the release or withdraw it.").to_json(),
    }
    stopped = {"state": State.STOPPED.value, "error": told, "ended_at": now(), "revision": release.c.revision + 1}
    connection.execute(update(release).where(under_way).values(stopped))
    return tuple(found)


def _line(settings: Settings, made: Manifest, halted: Halted) -> dict[str, object]:
    after = {"line": made.audit_newest, "hash": made.audit_hash, "made": made.made_at}
    after |= {"jobs": list(halted.jobs), "releases": list(halted.releases)}
    actor = settings.operator if settings.identity == "local" else CONSOLE.id
    line = {"app_id": "", "actor": actor, "verb": Verb.RESTORE.value, "subject": "signalbox.db", "before": None}
    return line | {"after": after, "why": "", "outcome": "done", "intent_id": None}
