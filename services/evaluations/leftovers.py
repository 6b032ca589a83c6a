"""What a killed attempt leaves: answers stored without what describes them, which would pass for live traffic."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities import Trace
from mlflow.exceptions import MlflowException

from services import database
from services.datasets import Row
from services.errors import translated
from services.messages import Message
from services.traces.rows import ORIGIN_TAG, is_bare, read_infos

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_READ = 2_000


def name(workspace: "Workspace", since: int, rows: Sequence[Row]) -> int:
    """Give the bare traces since a moment (epoch ms) that ask one of these questions their origin; returns how many.

    MLflow stores a trace's spans first and its tags a moment later: a process that dies between leaves it bare.
    """
    asked, named = {row.question for row in rows}, 0
    hours = (database.now().timestamp() - since / 1000) / 3600
    for info in read_infos(workspace, hours, MOST_READ):
        if is_bare(info) and asked & set(_questions(workspace, info.trace_id)):
            with translated(Message("Naming what an interrupted evaluation left")):
                workspace.client.set_trace_tag(info.trace_id, ORIGIN_TAG, "evaluation")
            named += 1
    return named


def _questions(workspace: "Workspace", trace_id: str) -> Iterator[str]:
    """Every user message in what any of its spans was given."""
    try:
        trace: Trace = workspace.client.get_trace(trace_id)
    except MlflowException:
        return
    for span in trace.data.spans:
        inputs: Any = span.inputs if isinstance(span.inputs, dict) else {}
        request = inputs.get("request", inputs)
        given = request if isinstance(request, dict) else {}
        for message in [*(given.get("input") or []), *(given.get("messages") or [])]:
            if isinstance(message, dict) and isinstance(message.get("content"), str):
                yield message["content"]
