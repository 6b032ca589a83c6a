"""The person's own draft of a prompt, as far as there is one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.prompts import Content

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Draft:
    content: Content
    base: int | None


def my_draft(workspace: "Workspace", prompt: str) -> Draft | None:
    """What this person is writing now."""
    return None
