"""How a workspace stores a trace."""

from typing import TYPE_CHECKING

from mlflow.entities import Trace, TraceState

if TYPE_CHECKING:
    pass


class DatabricksHistory:
    """What describes a trace comes with it."""

    def settled(self, trace: Trace) -> bool:
        """The workspace stores what describes a trace together with its state."""
        return bool(trace.info.state != TraceState.IN_PROGRESS)
