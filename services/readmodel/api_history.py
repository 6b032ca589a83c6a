"""Any MLflow server's traces as the read model reads them: by the API, which cannot tell what changed."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from services import audit
from services.audit import Verb
from services.readmodel.facts import LATEST_MS, Fact, from_info
from services.traces import rows

if TYPE_CHECKING:
    from services.workspace import Workspace


class ApiHistory:
    """Reads whole windows again; how far back is for the caller to bound."""

    tells_changes = False

    def prints(self, workspace: "Workspace", since_ms: int) -> dict[int, str]:
        digests: dict[int, list[int]] = defaultdict(list)
        for fact in _read(workspace, _between(since_ms, LATEST_MS)):
            digests[fact.slot].append(fact.digest)
        return {slot: hashlib.sha256(repr(sorted(held)).encode()).hexdigest() for slot, held in digests.items()}

    def touched(self, workspace: "Workspace", updated_since_ms: int) -> set[int]:
        """MLflow cannot find traces by changed assessments: known is only what was taken in from labeling sessions."""
        since = datetime.fromtimestamp(updated_since_ms / 1000, UTC)
        taken = audit.of_verbs(workspace, [Verb.TAKE_LABELS], since)
        return {slot for one in taken if one.outcome == "done" for slot in one.after["slots"]}

    def facts(self, workspace: "Workspace", from_ms: int, to_ms: int) -> list[Fact]:
        return list(_read(workspace, _between(from_ms, to_ms)))

    def spans(self, workspace: "Workspace", from_ms: int, to_ms: int) -> dict[str, list[dict[str, Any]]]:
        whole = rows.each(workspace, _between(from_ms, to_ms), spans=True)
        return {trace.info.trace_id: [span.to_dict() for span in trace.data.spans] for trace in whole}


def _read(workspace: "Workspace", words: str) -> Iterator[Fact]:
    return (from_info(trace.info) for trace in rows.each(workspace, words))


def _between(from_ms: int, to_ms: int) -> str:
    return f"timestamp_ms >= {from_ms} AND timestamp_ms < {to_ms}"
