"""Keep what was tried as a new version of its prompt."""

from typing import TYPE_CHECKING

from services import prompts
from services.errors import ConflictError
from services.messages import Message
from services.playground.variants import Variant
from services.prompts import PromptVersion, drafts

if TYPE_CHECKING:
    from services.workspace import Workspace


def save(workspace: "Workspace", prompt: str, variant: Variant, note: str) -> PromptVersion:
    """Save the variant with the settings it was tried with; raises ConflictError when a version is the same already.

    A draft that was saved as it stands is a draft no more.
    """
    if variant.number is not None:
        raise ConflictError(
            Message("This is version {n} already.", n=variant.number),
            Message("Change its text or its settings first."),
        )
    saved = prompts.save(workspace, prompt, variant.content, note.strip(), variant.base)
    draft = drafts.mine(workspace, prompt) if variant.slot.version is None else None
    if draft is not None and draft.content == variant.content:
        drafts.discard(workspace, prompt)
    return saved
