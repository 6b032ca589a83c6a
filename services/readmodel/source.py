"""Where the read model reads from: MLflow's tables where there are any to reach, else its API."""

from typing import TYPE_CHECKING, Any, Protocol

from services.readmodel.api_history import ApiHistory
from services.readmodel.facts import Fact
from services.readmodel.sql_history import SqlHistory, engine_of

if TYPE_CHECKING:
    from services.workspace import Workspace


class History(Protocol):
    """What was observed, spans only when asked for; a slot is a quarter hour, numbered since 1970.

    `tells_changes`: `prints` adds up where the traces are, so that asking it for all of them is cheap.
    """

    tells_changes: bool

    def prints(self, workspace: "Workspace", since_ms: int) -> dict[int, str]:
        """What each slot with traces holds, as a text that changes when a trace or a verdict does."""

    def touched(self, workspace: "Workspace", updated_since_ms: int) -> set[int]:
        """The slots of the traces whose verdicts were given or changed since; empty where that cannot be told."""

    def facts(self, workspace: "Workspace", from_ms: int, to_ms: int) -> list[Fact]:
        """The traces that began from `from_ms` to before `to_ms`."""

    def spans(self, workspace: "Workspace", from_ms: int, to_ms: int) -> dict[str, list[dict[str, Any]]]:
        """The spans of those traces as MLflow keeps them, the root first; only where some are stored."""


def of(workspace: "Workspace") -> History:
    engine = engine_of(workspace.settings.tracking_uri)
    return SqlHistory(engine) if engine else ApiHistory()
