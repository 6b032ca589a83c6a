"""Drafts as they are stored: one row for each person and prompt."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select

from services.database import draft as table
from services.database import now, writing
from services.errors import translated
from services.messages import Message
from services.prompts.content import Content

if TYPE_CHECKING:
    from services.workspace import Workspace

SUBJECT = "prompt:"


@dataclass(frozen=True)
class Aside:
    """Words that stood in a draft before others took their place at `at`."""

    content: Content
    at: datetime

    @classmethod
    def now(cls, content: Content) -> "Aside":
        return cls(content, now())


@dataclass(frozen=True)
class Draft:
    """One person's unsaved text of one prompt; `base` is the version it started from, `name` is empty for a new prompt.

    `revision` counts how often it was kept, 0 is never. `new_name` is the name typed for a new prompt, `typed_format` a
    response format that is not JSON yet, `set_aside` earlier texts of the same draft that others replaced, newest first.
    """

    name: str
    content: Content
    note: str = ""
    base: int | None = None
    revision: int = 0
    updated_at: datetime | None = None
    begun_at: datetime | None = None
    new_name: str = ""
    typed_format: str = ""
    set_aside: tuple[Aside, ...] = ()

    @property
    def kept(self) -> bool:
        return self.revision > 0

    def says_the_same(self, other: "Draft") -> bool:
        """Whether a person would read the same in both."""
        return self._written == other._written

    @property
    def _written(self) -> tuple[Any, ...]:
        return (self.content.to_json(), self.note, self.new_name, self.typed_format)


@dataclass(frozen=True)
class Writer:
    """Somebody else who has an unsaved draft of the same prompt."""

    actor: str
    since: datetime
    updated_at: datetime


def mine(workspace: "Workspace", name: str) -> Draft | None:
    """The actor's own draft of the prompt; without a name, that of a new prompt."""
    with workspace.engine.connect() as connection:
        row = connection.execute(select(table).where(own(workspace, name))).one_or_none()
    return None if row is None else from_row(row)


def all(workspace: "Workspace") -> list[Draft]:
    """The actor's unsaved drafts in this app, newest first."""
    query = select(table).where(
        table.c.app_id == workspace.app.id,
        table.c.actor == workspace.actor.id,
        table.c.subject.startswith(SUBJECT, autoescape=True),
    )
    with workspace.engine.connect() as connection:
        return [from_row(row) for row in connection.execute(query.order_by(table.c.updated_at.desc()))]


def others(workspace: "Workspace", name: str) -> list[Writer]:
    """Who else is writing on this prompt, and since when."""
    query = select(table).where(
        table.c.app_id == workspace.app.id, table.c.subject == SUBJECT + name, table.c.actor != workspace.actor.id
    )
    with workspace.engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.actor)).all()
    return [Writer(row.actor, datetime.fromisoformat(row.value["begun_at"]), row.updated_at) for row in rows]


@contextmanager
def writing_own(workspace: "Workspace", name: str) -> Iterator[tuple[Connection, Row[Any] | None]]:
    """A transaction that writes, and the row of the actor's own draft in it, if there is one."""
    with translated(Message("Keeping the draft")), writing(workspace.engine) as connection:
        workspace.fence(connection)
        yield connection, connection.execute(select(table).where(own(workspace, name))).one_or_none()


def key(workspace: "Workspace", name: str) -> dict[str, str]:
    return {"app_id": workspace.app.id, "actor": workspace.actor.id, "subject": SUBJECT + name}


def own(workspace: "Workspace", name: str) -> ColumnElement[bool]:
    return and_(*(table.c[column] == value for column, value in key(workspace, name).items()))


def to_row(draft: Draft) -> dict[str, Any]:
    value = {
        "content": draft.content.to_json(),
        "note": draft.note,
        "base": draft.base,
        "revision": draft.revision,
        "begun_at": (draft.begun_at or now()).astimezone(UTC).isoformat(),
        "new_name": draft.new_name,
        "typed_format": draft.typed_format,
        "set_aside": [aside_to_json(one) for one in draft.set_aside],
    }
    return {"value": value, "updated_at": draft.updated_at}


def from_row(row: Row[Any]) -> Draft:
    stored: Mapping[str, Any] = row.value
    return Draft(
        name=row.subject.removeprefix(SUBJECT),
        content=Content.from_json(stored["content"]),
        note=stored["note"],
        base=stored["base"],
        revision=stored["revision"],
        updated_at=row.updated_at,
        begun_at=datetime.fromisoformat(stored["begun_at"]),
        new_name=stored["new_name"],
        typed_format=stored["typed_format"],
        set_aside=tuple(
            Aside(Content.from_json(one["content"]), datetime.fromisoformat(one["at"])) for one in stored["set_aside"]
        ),
    )


def aside_to_json(aside: Aside) -> dict[str, Any]:
    return {"content": aside.content.to_json(), "at": aside.at.astimezone(UTC).isoformat()}
