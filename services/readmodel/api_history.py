"""Any MLflow server's traces as the read model reads them: by the API, which cannot tell what changed."""

import hashlib
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlflow.entities import Trace

from services import audit
from services.apps.places import Places
from services.audit import Verb
from services.readmodel.facts import LATEST_MS, Fact, from_info, placed
from services.traces import rows

if TYPE_CHECKING:
    from services.workspace import Workspace


class ApiHistory:
    """Reads whole windows again; how far back is for the caller to bound."""

    tells_changes = False

    def prints(self, workspace: "Workspace", since_ms: int) -> dict[int, str]:
        digests: dict[int, list[int]] = defaultdict(list)
        for trace in rows.each(workspace, _between(since_ms, LATEST_MS)):
            fact = from_info(trace.info)
            digests[fact.slot].append(fact.digest)
        return {slot: hashlib.sha256(repr(sorted(held)).encode()).hexdigest() for slot, held in digests.items()}

    def touched(self, workspace: "Workspace", updated_since_ms: int) -> set[int]:
        """MLflow cannot find traces by changed assessments: known is only what was taken in from labeling sessions."""
        since = datetime.fromtimestamp(updated_since_ms / 1000, UTC)
        taken = audit.of_verbs(workspace, [Verb.TAKE_LABELS], since)
        return {slot for one in taken if one.outcome == "done" for slot in one.after["slots"]}

    def facts(self, workspace: "Workspace", from_ms: int, to_ms: int) -> list[Fact]:
        places = workspace.app.places
        read = rows.each(workspace, _between(from_ms, to_ms), spans=bool(places))
        return [_fact(trace, places) for trace in read]

    def spans(self, workspace: "Workspace", from_ms: int, to_ms: int) -> dict[str, list[dict[str, Any]]]:
        whole = rows.each(workspace, _between(from_ms, to_ms), spans=True)
        return {trace.info.trace_id: [span.to_dict() for span in trace.data.spans] for trace in whole}


def _fact(trace: Trace, places: Places) -> Fact:
    root, fact = rows.root_of(trace), from_info(trace.info)
    return placed(fact, places, (root.inputs, root.outputs) if root else None)


def _between(from_ms: int, to_ms: int) -> str:
    return f"timestamp_ms >= {from_ms} AND timestamp_ms < {to_ms}"
