"""What one version changes in another."""

from pages.components import diff, editor
from services.prompts import PromptVersion
from services.workspace import Workspace


def show(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    diff.choose(found, editor.known(workspace))
