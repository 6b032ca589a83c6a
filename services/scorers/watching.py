"""Which scorers can watch production on the platform that the console works on."""

from typing import TYPE_CHECKING

from services.messages import Message
from services.scorers import kinds, records
from services.scorers.records import ScorerSpec

if TYPE_CHECKING:
    from services.workspace import Workspace


def refusal(workspace: "Workspace", spec: ScorerSpec) -> Message | None:
    """Why it cannot judge live answers here; None when it can."""
    return kinds.not_in_production(spec) or workspace.platform.scoring.refuses(spec)


def fit(workspace: "Workspace") -> list[ScorerSpec]:
    """The app's scorers that can judge live answers."""
    return [spec for spec in records.all(workspace) if refusal(workspace, spec) is None]
