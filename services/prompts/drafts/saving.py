"""Saving a draft as a version: once, however often it is clicked, and only words that are new."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update

from services import prompts
from services.database import draft as table
from services.database import now
from services.errors import ConflictError, ConsoleError
from services.messages import Message
from services.prompts import PromptVersion
from services.prompts.checks import parse_response_format
from services.prompts.drafts.keeping import forget_at, keep, kept_elsewhere
from services.prompts.drafts.records import Draft, own, writing_own

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST_SAVE = timedelta(minutes=1)


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
    forget_at(workspace, draft.name, draft.revision)
    return made


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
    with writing_own(workspace, draft.name) as (connection, row):
        if row is None:
            raise ConflictError(
                Message("This draft was saved or discarded in another tab."),
                Message("Look at the versions; whatever you write from here on is a new draft."),
            )
        if row.value["revision"] != draft.revision:
            raise kept_elsewhere(row.updated_at)
        if (since := row.value.get("saving")) and now() - datetime.fromisoformat(since) < LONGEST_SAVE:
            raise ConflictError(
                Message("This draft is being saved already."), Message("Wait a moment, then look at the versions.")
            )
        value = row.value | {"saving": now().astimezone(UTC).isoformat()}
        connection.execute(update(table).where(own(workspace, draft.name)).values(value=value))


def _release(workspace: "Workspace", draft: Draft) -> None:
    """The save was refused: the draft may be saved again."""
    with writing_own(workspace, draft.name) as (connection, row):
        if row is not None and row.value["revision"] == draft.revision:
            value = row.value | {"saving": None}
            connection.execute(update(table).where(own(workspace, draft.name)).values(value=value))
