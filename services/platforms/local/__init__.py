"""This machine as a platform: the gateway serves, the worker scores and computes, MLflow's store is the history."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from mlflow.entities import Trace

from services import apps, jobs
from services.jobs import Job
from services.messages import Message
from services.platforms import MonitoredScorer
from services.platforms.local.serving import LocalServing

if TYPE_CHECKING:
    from services.scorers import ScorerSpec
    from services.workspace import Workspace

FINALIZED = "mlflow.trace.infoFinalized"
PRODUCTION_SCORERS = "production_scorers"
SCORING_EVERY = 30


class LocalScoring:
    """A recurring job of the worker; which scorers run is a setting of the app."""

    filters = False

    def apply(self, workspace: "Workspace", scorers: Sequence[MonitoredScorer]) -> None:
        apps.save_setting(workspace, PRODUCTION_SCORERS, [asdict(scorer) for scorer in scorers])
        self.resume(workspace)

    def status(self, workspace: "Workspace") -> list[MonitoredScorer]:
        return [MonitoredScorer(**scorer) for scorer in apps.load_setting(workspace, PRODUCTION_SCORERS) or []]

    def refuses(self, spec: "ScorerSpec") -> Message | None:
        return None

    def standstill(self, workspace: "Workspace") -> Message | None:
        newest = next((job for job in jobs.recent(workspace, kind="score_live") if job.recurring), None)
        if newest is None or not newest.live:
            return Message("Scorers are on, but nothing runs them. Press “Start scoring again”.")
        return Message("The last scoring failed: {reason}", reason=newest.error) if newest.error is not None else None

    def soon(self, waiting: int) -> Message:
        return Message("Answers without a verdict yet: {n}. They are judged within half a minute.", n=waiting)

    def resume(self, workspace: "Workspace") -> None:
        if any(scorer.running for scorer in self.status(workspace)):
            jobs.submit(workspace, "score_live", {}, exclusive=f"score_live:{workspace.app.id}", every=SCORING_EVERY)

    def backfill(self, workspace: "Workspace", hours: float) -> Job:
        return jobs.submit(workspace, "score_live", {"hours": hours}, exclusive=f"backfill:{workspace.app.id}")


class LocalHistory:
    """MLflow's own store, read within bounds."""

    def settled(self, trace: Trace) -> bool:
        """MLflow's store keeps the spans before what describes them, and marks the end."""
        return bool(trace.info.trace_metadata.get(FINALIZED) == "true")


def parts() -> tuple[LocalServing, LocalScoring, LocalHistory, None]:
    """Here the worker alone carries out work: there is no other compute."""
    return LocalServing(), LocalScoring(), LocalHistory(), None
