"""Drafts: what a person has written and not saved yet, kept at every pause so that no word is lost."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from services import audit, prompts
from services.audit import Verb
from services.database import draft as table
from services.database import now, writing
from services.errors import ConflictError, ConsoleError, InvalidInputError, translated
from services.messages import Message
from services.prompts import PromptVersion
from services.prompts.checks import parse_response_format
from services.prompts.content import Content

if TYPE_CHECKING:
    from services.workspace import Workspace

SUBJECT = "prompt:"
LARGEST = 1_000_000
LARGEST_ASIDE = 5_000_000
LONGEST_SAVE = timedelta(minutes=1)


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
        row = connection.execute(select(table).where(_own(workspace, name))).one_or_none()
    return None if row is None else _from_row(row)


def all(workspace: "Workspace") -> list[Draft]:
    """The actor's unsaved drafts in this app, newest first."""
    query = select(table).where(
        table.c.app_id == workspace.app.id,
        table.c.actor == workspace.actor.id,
        table.c.subject.startswith(SUBJECT, autoescape=True),
    )
    with workspace.engine.connect() as connection:
        return [_from_row(row) for row in connection.execute(query.order_by(table.c.updated_at.desc()))]


def others(workspace: "Workspace", name: str) -> list[Writer]:
    """Who else is writing on this prompt, and since when."""
    query = select(table).where(
        table.c.app_id == workspace.app.id, table.c.subject == SUBJECT + name, table.c.actor != workspace.actor.id
    )
    with workspace.engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.actor)).all()
    return [Writer(row.actor, datetime.fromisoformat(row.value["begun_at"]), row.updated_at) for row in rows]


def keep(workspace: "Workspace", draft: Draft) -> Draft:
    """Store the draft and return it as stored.

    Raises ConflictError when another tab of the same person kept a newer one: that one stays; InvalidInputError when
    no more earlier words can be set aside. A draft is nobody's decision, so it is authorised like every write but is
    not a line of the audit log.
    """
    _check(workspace, draft)
    with translated(Message("Keeping the draft")), writing(workspace.engine) as connection:
        workspace.fence(connection)
        row = connection.execute(select(table).where(_own(workspace, draft.name))).one_or_none()
        if row is not None and row.value["revision"] != draft.revision:
            raise _kept_elsewhere(row.updated_at)
        before = _from_row(row) if row is not None else None
        kept = replace(
            draft,
            revision=draft.revision + 1,
            updated_at=now(),
            begun_at=(before.begun_at if before else None) or now(),
            set_aside=_beside(draft.set_aside, before.set_aside if before else (), draft.content),
        )
        connection.execute(delete(table).where(_own(workspace, draft.name)))
        connection.execute(insert(table).values(**_key(workspace, draft.name), **_to_row(kept)))
    return kept


def set_aside(workspace: "Workspace", draft: Draft, instead_of: Content | None = None) -> None:
    """Keep the text of a tab that came too late beside the draft that another tab kept, which does not change.

    `instead_of` is what the same tab set aside before it went on writing.
    """
    _check(workspace, draft)
    with translated(Message("Keeping the draft")), writing(workspace.engine) as connection:
        workspace.fence(connection)
        row = connection.execute(select(table).where(_own(workspace, draft.name))).one_or_none()
        if row is not None:
            there = _from_row(row)
            older = [one for one in there.set_aside if one.content != instead_of]
            beside = _beside([Aside.now(draft.content)], older, there.content)
            value = row.value | {"set_aside": [_aside_to_json(one) for one in beside]}
            connection.execute(update(table).where(_own(workspace, draft.name)).values(value=value))


def drop_aside(workspace: "Workspace", name: str, content: Content) -> None:
    """Forget one of the earlier texts of the actor's draft; the draft itself does not change."""
    audit.require(workspace, Verb.SAVE_DRAFT)
    with translated(Message("Keeping the draft")), writing(workspace.engine) as connection:
        workspace.fence(connection)
        row = connection.execute(select(table).where(_own(workspace, name))).one_or_none()
        if row is not None:
            left = [_aside_to_json(one) for one in _from_row(row).set_aside if one.content != content]
            value = row.value | {"set_aside": left}
            connection.execute(update(table).where(_own(workspace, name)).values(value=value))


def save(workspace: "Workspace", draft: Draft) -> PromptVersion:
    """Save the draft as a version, and then forget it; whatever is refused leaves the draft as it is.

    Raises InvalidInputError with what to mend, ConflictError for a newer draft of another tab, a draft that is saved
    already, words that are the newest version's or a name that is taken.
    """
    name = draft.name or draft.new_name.strip()
    if draft.typed_format:
        parse_response_format(draft.typed_format)
    _require_new_words(workspace, name, draft)
    draft = draft if draft.kept else keep(workspace, draft)
    _claim(workspace, draft)
    try:
        _require_new_words(workspace, name, draft)
        made = prompts.save(workspace, name, draft.content, draft.note.strip(), draft.base)
    except ConsoleError:
        _release(workspace, draft)
        raise
    _forget(workspace, draft.name, draft.revision)
    return made


def discard(workspace: "Workspace", name: str, revision: int | None = None) -> None:
    """Forget the actor's draft; like `keep`, authorised and not a line of the audit log.

    With the `revision` that the person saw, raises ConflictError when another tab kept a newer one: that one stays.
    """
    audit.require(workspace, Verb.SAVE_DRAFT)
    if not _forget(workspace, name, revision) and (newer := mine(workspace, name)) is not None:
        raise _kept_elsewhere(newer.updated_at or now())


def drop(workspace: "Workspace", name: str, revision: int) -> None:
    """Forget the actor's draft unless another tab kept a newer one, which stays."""
    audit.require(workspace, Verb.SAVE_DRAFT)
    _forget(workspace, name, revision)


def _forget(workspace: "Workspace", name: str, revision: int | None) -> bool:
    """Delete the draft if it is still at `revision`, and tell whether it was."""
    with translated(Message("Keeping the draft")), writing(workspace.engine) as connection:
        workspace.fence(connection)
        row = connection.execute(select(table).where(_own(workspace, name))).one_or_none()
        if row is None or revision not in (None, row.value["revision"]):
            return False
        connection.execute(delete(table).where(_own(workspace, name)))
    return True


def _require_new_words(workspace: "Workspace", name: str, draft: Draft) -> None:
    """Raise ConflictError for a new prompt under a name that is taken, and for what the newest version says already."""
    if name not in prompts.every_name(workspace):
        return
    if not draft.name:
        raise ConflictError(
            Message("There is already a prompt “{name}”.", name=name),
            Message("Choose another name, or open that prompt and write its next version."),
        )
    newest = next(iter(prompts.history(workspace, name)), None)
    if newest is None or newest.content.to_json() != draft.content.to_json():
        return
    if draft.note.strip() in ("", newest.note):
        raise ConflictError(
            Message("Version {n} says this already: there is nothing new to save.", n=newest.version),
            Message("Change its text or its settings first."),
        )


def _claim(workspace: "Workspace", draft: Draft) -> None:
    """Mark the draft as being saved, so that no second click saves it too; a mark left by a stop expires."""
    with translated(Message("Keeping the draft")), writing(workspace.engine) as connection:
        workspace.fence(connection)
        row = connection.execute(select(table).where(_own(workspace, draft.name))).one_or_none()
        if row is None:
            raise ConflictError(
                Message("This draft was saved or discarded in another tab."),
                Message("Look at the versions; whatever you write from here on is a new draft."),
            )
        if row.value["revision"] != draft.revision:
            raise _kept_elsewhere(row.updated_at)
        if (since := row.value.get("saving")) and now() - datetime.fromisoformat(since) < LONGEST_SAVE:
            raise ConflictError(
                Message("This draft is being saved already."), Message("Wait a moment, then look at the versions.")
            )
        value = row.value | {"saving": now().astimezone(UTC).isoformat()}
        connection.execute(update(table).where(_own(workspace, draft.name)).values(value=value))


def _release(workspace: "Workspace", draft: Draft) -> None:
    """The save was refused: the draft may be saved again."""
    with translated(Message("Keeping the draft")), writing(workspace.engine) as connection:
        workspace.fence(connection)
        row = connection.execute(select(table).where(_own(workspace, draft.name))).one_or_none()
        if row is not None and row.value["revision"] == draft.revision:
            value = row.value | {"saving": None}
            connection.execute(update(table).where(_own(workspace, draft.name)).values(value=value))


def forget(connection: Connection, workspace: "Workspace", name: str) -> None:
    """Drop everybody's drafts of a prompt that is deleted for good, inside the deleting transaction."""
    subject = (table.c.app_id == workspace.app.id) & (table.c.subject == SUBJECT + name)
    connection.execute(delete(table).where(subject))


def _check(workspace: "Workspace", draft: Draft) -> None:
    audit.require(workspace, Verb.SAVE_DRAFT)
    written = json.dumps(draft.content.to_json(), ensure_ascii=False)
    length = sum(map(len, (written, draft.note, draft.new_name, draft.typed_format)))
    if length > LARGEST:
        raise InvalidInputError(
            Message("The draft has {n} characters; up to {limit} are kept.", n=length, limit=LARGEST),
            Message("Shorten it: until then it stands only in this window."),
        )


def _beside(new: Iterable[Aside], older: Iterable[Aside], shown: Content) -> tuple[Aside, ...]:
    """What is worth keeping beside the text that is shown, newest first: no words twice and no empty ones.

    Raises InvalidInputError rather than let the oldest words go without a question.
    """
    before, kept = list(older), dict[str, Aside]()
    for one in [*new, *before]:
        written = json.dumps(_aside_to_json(one)["content"], sort_keys=True)
        if one.content.text.strip() and one.content != shown:
            kept.setdefault(written, one)
    if len(kept) > len(before) and sum(map(len, kept)) > LARGEST_ASIDE:
        raise InvalidInputError(
            Message("This draft keeps {n} earlier texts; there is no room for another one.", n=len(before)),
            Message("Open “Earlier words” and drop those that nobody needs."),
        )
    return tuple(kept.values())


def _kept_elsewhere(at: datetime) -> ConflictError:
    return ConflictError(
        Message("Another tab kept this draft at {time} UTC.", time=f"{at:%H:%M:%S}"),
        Message("Take that text, or keep yours; the other one is set aside, not lost."),
    )


def _key(workspace: "Workspace", name: str) -> dict[str, str]:
    return {"app_id": workspace.app.id, "actor": workspace.actor.id, "subject": SUBJECT + name}


def _own(workspace: "Workspace", name: str) -> ColumnElement[bool]:
    return and_(*(table.c[column] == value for column, value in _key(workspace, name).items()))


def _to_row(draft: Draft) -> dict[str, Any]:
    value = {
        "content": draft.content.to_json(),
        "note": draft.note,
        "base": draft.base,
        "revision": draft.revision,
        "begun_at": (draft.begun_at or now()).astimezone(UTC).isoformat(),
        "new_name": draft.new_name,
        "typed_format": draft.typed_format,
        "set_aside": [_aside_to_json(one) for one in draft.set_aside],
    }
    return {"value": value, "updated_at": draft.updated_at}


def _from_row(row: Row[Any]) -> Draft:
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


def _aside_to_json(aside: Aside) -> dict[str, Any]:
    return {"content": aside.content.to_json(), "at": aside.at.astimezone(UTC).isoformat()}
