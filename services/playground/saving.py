"""Keep what was tried as a new version of its prompt."""

from typing import TYPE_CHECKING

from services import prompts
from services.errors import ConflictError
from services.messages import Message
from services.playground.desk import Desk
from services.playground.variants import resolve
from services.prompts import PromptVersion, drafts
from services.prompts.checks import parse_response_format

if TYPE_CHECKING:
    from services.workspace import Workspace


def save(workspace: "Workspace", desk: Desk, slot: str, note: str) -> PromptVersion:
    """Save the variant in that slot with the settings it was tried with.

    Versions and draft are read anew, as another tab may have written since the screen was drawn: raises ConflictError
    when a version is the same already, InvalidInputError for a response format that is not JSON yet. A draft that was saved as it stands is a draft no more.
    """
    found, draft = prompts.history(workspace, desk.prompt), drafts.mine(workspace, desk.prompt)
    variant = next((one for one in resolve(workspace, desk, found, draft) if one.slot.id == slot), None)
    if variant is None:
        raise ConflictError(
            Message("What you want to save is not there any more."), Message("Choose another version to try.")
        )
    if variant.number is not None:
        raise ConflictError(
            Message("This is version {n} already.", n=variant.number),
            Message("Change its text or its settings first."),
        )
    if variant.unread_format:
        parse_response_format(variant.unread_format)
    saved = prompts.save(workspace, desk.prompt, variant.content, note.strip(), variant.base)
    if variant.slot.version is None and draft is not None and draft.content == variant.content:
        drafts.drop(workspace, desk.prompt, draft.revision)
    return saved
