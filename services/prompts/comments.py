"""What people say about a prompt or one of its versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select

from services import audit, prompts
from services.audit import Verb
from services.database import comment as table
from services.database import new_id, now, writing
from services.errors import ForbiddenError, InvalidInputError, NotFoundError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST = 4_000


@dataclass(frozen=True)
class Comment:
    """One remark; `version` is None when it is about the prompt as a whole."""

    id: int
    version: int | None
    actor: str
    text: str
    created_at: datetime


def write(workspace: "Workspace", name: str, version: int | None, text: str) -> Comment:
    """Say something about the prompt or one of its versions; raises InvalidInputError for nothing or too much."""
    text = text.strip()
    if not text:
        raise InvalidInputError(Message("The comment is empty."), Message("Write what you want to say."))
    if len(text) > LONGEST:
        raise InvalidInputError(
            Message("The comment has {n} characters; {limit} are allowed.", n=len(text), limit=LONGEST),
            Message("Shorten it, or write two comments."),
        )
    if version is None:
        prompts.history(workspace, name)
    else:
        prompts.version(workspace, name, version)
    subject, said_at = _subject(name, version), now()
    row = {"app_id": workspace.app.id, "subject": subject, "actor": workspace.actor.id, "text": text}
    with audit.change(workspace, Verb.COMMENT, subject) as change, writing(workspace.engine) as connection:
        workspace.fence(connection)
        change.after = new_id(connection.execute(insert(table).values(**row, created_at=said_at)))
    return Comment(change.after, version, workspace.actor.id, text, said_at)


def all(workspace: "Workspace", name: str) -> list[Comment]:
    """Every comment on the prompt and its versions, newest last."""
    query = select(table).where(_about(workspace, name)).order_by(table.c.id)
    with workspace.engine.connect() as connection:
        rows = connection.execute(query).all()
    return [Comment(row.id, _version(row.subject), row.actor, row.text, row.created_at) for row in rows]


def counts(workspace: "Workspace", name: str) -> dict[int | None, int]:
    """How many comments each version has; under None those on the prompt as a whole."""
    query = select(table.c.subject, func.count()).where(_about(workspace, name)).group_by(table.c.subject)
    with workspace.engine.connect() as connection:
        return {_version(subject): count for subject, count in connection.execute(query)}


def remove(workspace: "Workspace", id: int) -> None:
    """Take back a comment of one's own; raises ForbiddenError for another person's."""
    chosen = (table.c.id == id) & (table.c.app_id == workspace.app.id)
    with workspace.engine.connect() as connection:
        row = connection.execute(select(table).where(chosen)).one_or_none()
    if row is None:
        raise NotFoundError(Message("This comment is gone already."), Message("Reload the page."))
    if row.actor != workspace.actor.id:
        raise ForbiddenError(
            Message("This comment was written by {person}.", person=row.actor),
            Message("Only its author can delete it. Answer with a comment of your own."),
        )
    with audit.change(workspace, Verb.COMMENT, row.subject, before=id), writing(workspace.engine) as connection:
        workspace.fence(connection)
        connection.execute(delete(table).where(chosen))


def forget(connection: Connection, workspace: "Workspace", name: str, version: int | None) -> None:
    """Delete the comments on what is being deleted for good, inside the caller's transaction."""
    mine = (table.c.app_id == workspace.app.id) & (table.c.subject == _subject(name, version))
    connection.execute(delete(table).where(mine if version is not None else _about(workspace, name)))


def _subject(name: str, version: int | None) -> str:
    """How a comment names what it is about; a prompt's name holds no space."""
    return name if version is None else f"{name} {version}"


def _version(subject: str) -> int | None:
    number = subject.partition(" ")[2]
    return int(number) if number else None


def _about(workspace: "Workspace", name: str) -> ColumnElement[bool]:
    of_it = or_(table.c.subject == name, table.c.subject.startswith(f"{name} ", autoescape=True))
    return (table.c.app_id == workspace.app.id) & of_it
