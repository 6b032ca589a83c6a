"""Why a chart is empty, and what to do about it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from services import jobs
from services.jobs import Job
from services.messages import Message
from services.platforms import MonitoredScorer
from services.traces.rows import origin, read_infos

if TYPE_CHECKING:
    from services.workspace import Workspace

EVER = 24 * 365 * 10.0
LOOKED_AT = 400


def reasons(workspace: "Workspace", read: pd.DataFrame, hours: float) -> Iterator[Message]:
    """Sentences for the top of the screen; none when traffic flows and is judged."""
    if read.empty:
        yield _no_traffic(workspace)
        return
    running = [scorer for scorer in workspace.platform.scoring.status(workspace) if scorer.running]
    if not running:
        yield Message(
            "No scorer watches production, so no answer is judged. A release starts them; or start them below."
        )
        return
    yield from _waiting(workspace, read, running)


def _no_traffic(workspace: "Workspace") -> Message:
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    older = next((info for info in read_infos(workspace, EVER, LOOKED_AT) if origin(info) == "live"), None)
    if older is not None:
        days = pd.Timestamp(older.request_time, unit="ms", tz="UTC").strftime("%Y-%m-%d %H:%M")
        return Message(
            "Nobody asked in this time. The newest live trace is of {time} UTC: choose a longer time.", time=days
        )
    if endpoint is None:
        return Message("Nothing is deployed yet. Make a release; what people ask then shows here.")
    if not endpoint.live:
        return Message("No version takes traffic yet. Open Endpoints: it says what each version is waiting for.")
    return Message("No traffic yet. Ask something on the Endpoints screen; its trace shows here within ten seconds.")


def scoring_job(workspace: "Workspace") -> Job | None:
    """The job that judges new answers every half minute; None when there was never one."""
    return next((job for job in jobs.recent(workspace, kind="score_live") if job.recurring), None)


def _waiting(workspace: "Workspace", read: pd.DataFrame, running: list[MonitoredScorer]) -> Iterator[Message]:
    newest = scoring_job(workspace)
    if newest is None or not newest.live:
        yield Message("Scorers are on, but nothing runs them. Press “Start scoring again”.")
    elif newest.error is not None:
        yield Message("The last scoring failed: {reason}", reason=newest.error)
    names = {scorer.name for scorer in running}
    finished = read[read["state"] == "OK"]
    waiting = sum(1 for scores in finished["scores"] if not names & set(scores))
    if waiting and all(scorer.rate == 1 for scorer in running):
        yield Message("Answers without a verdict yet: {n}. They are judged within half a minute.", n=waiting)
