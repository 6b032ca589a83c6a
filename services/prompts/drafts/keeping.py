"""Keeping a draft at every pause, what it says and what it said before; and forgetting it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, update

from services import audit
from services.audit import Verb
from services.database import draft as table
from services.database import now
from services.errors import ConflictError, InvalidInputError
from services.messages import Message
from services.prompts.content import Content
from services.prompts.drafts.records import (
    SUBJECT,
    Aside,
    Draft,
    aside_to_json,
    from_row,
    key,
    mine,
    own,
    to_row,
    writing_own,
)

if TYPE_CHECKING:
    from services.workspace import Workspace

LARGEST = 1_000_000
LARGEST_ASIDE = 5_000_000


def keep(workspace: "Workspace", draft: Draft) -> Draft:
    """Store the draft and return it as stored.

    Raises ConflictError when another tab of the same person kept a newer one: that one stays; InvalidInputError when
    no more earlier words can be set aside. A draft is nobody's decision, so it is authorised like every write but is
    not a line of the audit log.
    """
    _check(workspace, draft)
    with writing_own(workspace, draft.name) as (connection, row):
        if row is not None and row.value["revision"] != draft.revision:
            raise kept_elsewhere(row.updated_at)
        before = from_row(row) if row is not None else None
        kept = replace(
            draft,
            revision=draft.revision + 1,
            updated_at=now(),
            begun_at=(before.begun_at if before else None) or now(),
            set_aside=_beside(draft.set_aside, before.set_aside if before else (), draft.content),
        )
        connection.execute(delete(table).where(own(workspace, draft.name)))
        connection.execute(insert(table).values(**key(workspace, draft.name), **to_row(kept)))
    return kept


def set_aside(workspace: "Workspace", draft: Draft, instead_of: Content | None = None) -> None:
    """Keep the text of a tab that came too late beside the draft that another tab kept, which does not change.

    `instead_of` is what the same tab set aside before it went on writing.
    """
    _check(workspace, draft)
    with writing_own(workspace, draft.name) as (connection, row):
        if row is not None:
            there = from_row(row)
            older = [one for one in there.set_aside if one.content != instead_of]
            beside = _beside([Aside.now(draft.content)], older, there.content)
            value = row.value | {"set_aside": [aside_to_json(one) for one in beside]}
            connection.execute(update(table).where(own(workspace, draft.name)).values(value=value))


def drop_aside(workspace: "Workspace", name: str, content: Content) -> None:
    """Forget one of the earlier texts of the actor's draft; the draft itself does not change."""
    audit.require(workspace, Verb.SAVE_DRAFT)
    with writing_own(workspace, name) as (connection, row):
        if row is not None:
            left = [aside_to_json(one) for one in from_row(row).set_aside if one.content != content]
            value = row.value | {"set_aside": left}
            connection.execute(update(table).where(own(workspace, name)).values(value=value))


def discard(workspace: "Workspace", name: str, revision: int | None = None) -> None:
    """Forget the actor's draft; like `keep`, authorised and not a line of the audit log.

    With the `revision` that the person saw, raises ConflictError when another tab kept a newer one: that one stays.
    """
    audit.require(workspace, Verb.SAVE_DRAFT)
    if not forget_at(workspace, name, revision) and (newer := mine(workspace, name)) is not None:
        raise kept_elsewhere(newer.updated_at or now())


def drop(workspace: "Workspace", name: str, revision: int) -> None:
    """Forget the actor's draft unless another tab kept a newer one, which stays."""
    audit.require(workspace, Verb.SAVE_DRAFT)
    forget_at(workspace, name, revision)


def forget_at(workspace: "Workspace", name: str, revision: int | None) -> bool:
    """Delete the draft if it is still at `revision`, and tell whether it was."""
    with writing_own(workspace, name) as (connection, row):
        if row is None or revision not in (None, row.value["revision"]):
            return False
        connection.execute(delete(table).where(own(workspace, name)))
    return True


def forget(connection: Connection, workspace: "Workspace", name: str) -> None:
    """Drop everybody's drafts of a prompt that is deleted for good, inside the deleting transaction."""
    subject = (table.c.app_id == workspace.app.id) & (table.c.subject == SUBJECT + name)
    connection.execute(delete(table).where(subject))


def kept_elsewhere(at: datetime) -> ConflictError:
    return ConflictError(
        Message("Another tab kept this draft at {time}.", time=at),
        Message("Take that text, or keep yours; the other one is set aside, not lost."),
    )


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
        written = json.dumps(aside_to_json(one)["content"], sort_keys=True)
        if one.content.text.strip() and one.content != shown:
            kept.setdefault(written, one)
    if len(kept) > len(before) and sum(map(len, kept)) > LARGEST_ASIDE:
        raise InvalidInputError(
            Message("This draft keeps {n} earlier texts; there is no room for another one.", n=len(before)),
            Message("Open “Earlier words” and drop those that nobody needs."),
        )
    return tuple(kept.values())
