"""The traces of a workspace's experiment, read without spans and within bounds."""

from typing import TYPE_CHECKING

from mlflow.entities import Trace, TraceState

if TYPE_CHECKING:
    import pandas as pd

    from services.workspace import Workspace


class DatabricksHistory:
    """MLflow's search, page by page: a hundred traces for each request."""

    def series(self, workspace: "Workspace", hours: float, limit: int) -> "pd.DataFrame":
        from services.monitoring import live_traces

        return live_traces(workspace, hours, limit)

    def settled(self, trace: Trace) -> bool:
        """The workspace stores what describes a trace together with its state."""
        return bool(trace.info.state != TraceState.IN_PROGRESS)
