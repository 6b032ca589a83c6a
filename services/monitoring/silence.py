"""Why a chart is empty, and what to do about it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from services import readmodel
from services.messages import Message
from services.monitoring.scoring import LOOK_BACK
from services.platforms import MonitoredScorer
from services.readmodel import Part, TraceQuery

if TYPE_CHECKING:
    from services.workspace import Workspace

EVER = 24 * 365 * 10.0
MOST_COUNTED = 1000


def reasons(workspace: "Workspace", total: Part) -> Iterator[Message]:
    """Sentences for the top of the screen; none when traffic flows and is judged."""
    if not total.count:
        yield _no_traffic(workspace)
        return
    running = [scorer for scorer in workspace.platform.scoring.status(workspace) if scorer.running]
    if not running:
        yield Message("No scorer watches production, so no answer is judged. Start them below; a release does so, too.")
        return
    yield from _waiting(workspace, running)


def _no_traffic(workspace: "Workspace") -> Message:
    older = readmodel.find(workspace, TraceQuery(hours=EVER, limit=1)).rows
    if older:
        return Message(
            "Nobody asked in this time. The newest live trace is of {time}: choose a longer time.", time=older[0].time
        )
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    if endpoint is None:
        return Message("Nothing is deployed yet. Make a release; what people ask then shows here.")
    if not endpoint.live:
        return Message("No version takes traffic yet. Open Endpoints: it says what each version is waiting for.")
    return Message("No traffic yet. Ask something on the Endpoints screen; its trace shows here within ten seconds.")


def _waiting(workspace: "Workspace", running: list[MonitoredScorer]) -> Iterator[Message]:
    standstill = workspace.platform.scoring.standstill(workspace)
    if standstill:
        yield standstill
    names = [scorer.name for scorer in running]
    waiting = readmodel.unjudged(workspace, names, LOOK_BACK, MOST_COUNTED)
    if waiting and all(scorer.rate == 1 for scorer in running):
        yield workspace.platform.scoring.soon(waiting)
