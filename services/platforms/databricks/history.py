"""How a workspace stores a trace."""

from mlflow.entities import Trace, TraceState


class DatabricksHistory:
    """What describes a trace comes with its state."""

    def settled(self, trace: Trace) -> bool:
        return bool(trace.info.state != TraceState.IN_PROGRESS)
