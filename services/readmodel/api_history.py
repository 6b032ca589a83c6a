"""Any MLflow server's traces as the read model reads them: by the API, which cannot tell what changed."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlflow.entities import Trace

from services.errors import translated
from services.messages import Message
from services.readmodel.facts import LATEST_MS, Fact, from_info

if TYPE_CHECKING:
    from services.workspace import Workspace

PAGE = 200


class ApiHistory:
    """Reads whole windows again; how far back is for the caller to bound."""

    tells_changes = False

    def prints(self, workspace: "Workspace", since_ms: int) -> dict[int, str]:
        digests: dict[int, list[int]] = defaultdict(list)
        for fact in _read(workspace, _between(since_ms, LATEST_MS)):
            digests[fact.slot].append(fact.digest)
        return {slot: hashlib.sha256(repr(sorted(held)).encode()).hexdigest() for slot, held in digests.items()}

    def touched(self, workspace: "Workspace", updated_since_ms: int) -> set[int]:
        """Unknown here: MLflow cannot find traces by changed assessments."""
        return set()

    def facts(self, workspace: "Workspace", from_ms: int, to_ms: int) -> list[Fact]:
        return list(_read(workspace, _between(from_ms, to_ms)))

    def spans(self, workspace: "Workspace", from_ms: int, to_ms: int) -> dict[str, list[dict[str, Any]]]:
        whole = pages(workspace, _between(from_ms, to_ms), spans=True)
        return {trace.info.trace_id: [span.to_dict() for span in trace.data.spans] for trace in whole}


def pages(workspace: "Workspace", words: str, spans: bool = False) -> Iterator[Trace]:
    """The traces that `words` of MLflow's filters choose, newest first."""
    token = None
    while True:
        with translated(Message("Reading the traces")):
            page = workspace.client.search_traces(
                locations=[workspace.app.experiment_id],
                filter_string=words,
                max_results=PAGE,
                order_by=["timestamp_ms DESC"],
                page_token=token,
                include_spans=spans,
            )
        yield from page
        token = page.token
        if not token:
            return


def _read(workspace: "Workspace", words: str) -> Iterator[Fact]:
    return (from_info(trace.info) for trace in pages(workspace, words))


def _between(from_ms: int, to_ms: int) -> str:
    return f"timestamp_ms >= {from_ms} AND timestamp_ms < {to_ms}"
