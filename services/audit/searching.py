"""Finding in the log: by app, person, kind, subject, time and outcome, page by page, each through an index."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, tuple_

from services import audit
from services.audit.reading import Event
from services.audit.verbs import Verb
from services.database import event_log

if TYPE_CHECKING:
    from services.workspace import Workspace

OUTCOMES = ("done", "failed", "unknown", "intent")
PAGE = 50
MOST_PEOPLE = 200
LAST_LETTER = "\U0010ffff"
_later = event_log.alias()
_ended = exists().where(_later.c.intent_id == event_log.c.id)


@dataclass(frozen=True)
class AuditQuery:
    """Which lines; `before` and `after` are numbers of lines that a page lies beyond, `but` a person left out."""

    app: str | None = None
    actor: str | None = None
    verbs: tuple[Verb, ...] = ()
    subject: str = ""
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    but: str | None = None
    before: int | None = None
    after: int | None = None
    limit: int = PAGE


@dataclass(frozen=True)
class Page:
    """Lines, newest first, and whether there are older and newer ones."""

    lines: tuple[Event, ...]
    older: bool
    newer: bool


def search(workspace: "Workspace", query: AuditQuery) -> Page:
    """One page for the person who may read the log; raises ForbiddenError for everyone else."""
    audit.require(workspace, Verb.READ_AUDIT)
    return page(workspace, query)


def page(workspace: "Workspace", query: AuditQuery) -> Page:
    """One page; a change is one line, its outcome, and an intent stands for itself only while it has none."""
    with workspace.engine.connect() as connection:
        towards_newer = query.after is not None
        found = [Event(**row._mapping) for row in connection.execute(_select(workspace, query))]
    more, kept = len(found) > query.limit, found[: query.limit]
    if towards_newer:
        return Page(tuple(reversed(kept)), older=True, newer=more)
    return Page(tuple(kept), older=more, newer=query.before is not None)


def walk(workspace: "Workspace", query: AuditQuery) -> Iterator[Event]:
    """Every line that fits, newest first, read in pages."""
    current = replace(query, before=None, after=None, limit=1_000)
    while (found := page(workspace, current)).lines:
        yield from found.lines
        if not found.older:
            return
        current = replace(current, before=found.lines[-1].id)


def people(workspace: "Workspace") -> list[str]:
    """Who ever did something, by name: one step in the index for each, never the whole table."""
    audit.require(workspace, Verb.READ_AUDIT)
    found: list[str] = []
    with workspace.engine.connect() as connection:
        while len(found) < MOST_PEOPLE:
            query = select(func.min(event_log.c.actor)).where(event_log.c.actor > (found[-1] if found else ""))
            following = connection.execute(query).scalar()
            if following is None:
                break
            found.append(following)
    return found


def _select(workspace: "Workspace", query: AuditQuery) -> Select[Any]:
    newest_first = query.after is None
    order = (event_log.c.at, event_log.c.id)
    chosen = select(event_log).where(*_conditions(workspace, query), _once(query))
    return chosen.order_by(*(one.desc() for one in order) if newest_first else order).limit(query.limit + 1)


def _once(query: AuditQuery) -> ColumnElement[bool]:
    if query.outcome == "intent":
        return ~_ended
    return or_(event_log.c.outcome != "intent", ~_ended)


def _conditions(workspace: "Workspace", query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    columns = event_log.c
    exact = ((columns.app_id, query.app), (columns.actor, query.actor), (columns.outcome, query.outcome))
    yield from (column == value for column, value in exact if value is not None)
    if query.verbs:
        yield columns.verb.in_([one.value for one in query.verbs])
    if query.subject:
        yield columns.subject.startswith(query.subject, autoescape=True)
        if workspace.engine.dialect.name == "sqlite":  # its LIKE knows no case, and so no index
            yield columns.subject.between(query.subject, query.subject + LAST_LETTER)
    if query.since:
        yield columns.at >= query.since
    if query.until:
        yield columns.at < query.until
    if query.but:
        yield columns.actor != query.but
    yield from _beyond(query)


def _beyond(query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    here = tuple_(event_log.c.at, event_log.c.id)
    other = event_log.alias()
    for number, older in ((query.before, True), (query.after, False)):
        if number is not None:
            at = select(other.c.at).where(other.c.id == number).scalar_subquery()
            there = tuple_(at, number)
            yield here < there if older else here > there
