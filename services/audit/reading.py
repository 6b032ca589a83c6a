"""What the log says, line by line."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from services.audit.verbs import Verb
from services.database import event_log

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Event:
    """One line of the audit log; an intent is followed by its outcome (done, failed or unknown)."""

    id: int
    at: datetime
    app_id: str
    actor: str
    verb: str
    subject: str
    outcome: str
    intent_id: int | None
    before: Any
    after: Any
    why: str
    previous_hash: str
    hash: str


def events(workspace: "Workspace", limit: int = 200) -> list[Event]:
    """The app's newest audit lines, newest first."""
    query = select(event_log).where(event_log.c.app_id == workspace.app.id).order_by(event_log.c.id.desc()).limit(limit)
    with workspace.engine.connect() as connection:
        return [Event(**row._mapping) for row in connection.execute(query)]


def about(workspace: "Workspace", name: str, verb: Verb | None = None) -> list[Event]:
    """Every line on one subject, or done because of it (“release 7”), oldest first."""
    mine = (event_log.c.subject == name) | (event_log.c.why == name)
    query = select(event_log).where(event_log.c.app_id == workspace.app.id, mine).order_by(event_log.c.id)
    if verb is not None:
        query = query.where(event_log.c.verb == verb.value)
    with workspace.engine.connect() as connection:
        return [Event(**row._mapping) for row in connection.execute(query)]


def of_verbs(workspace: "Workspace", verbs: Iterable[Verb], since: datetime | None = None) -> list[Event]:
    """The app's lines of these kinds, oldest first, all that there are or those since then."""
    chosen = event_log.c.verb.in_([one.value for one in verbs])
    query = select(event_log).where(event_log.c.app_id == workspace.app.id, chosen).order_by(event_log.c.id)
    if since is not None:
        query = query.where(event_log.c.at >= since)
    with workspace.engine.connect() as connection:
        return [Event(**row._mapping) for row in connection.execute(query)]
