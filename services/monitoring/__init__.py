"""How production does: live traces only, every number with the rows it rests on, and silence explained."""

from typing import TYPE_CHECKING

from services import audit
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message
from services.monitoring import markers
from services.monitoring.drifting import Drift, drift
from services.monitoring.effect import Effect, effect, told
from services.monitoring.markers import Marker
from services.monitoring.overview import HELPFUL, Asked, Overview, Score, overview
from services.monitoring.scoring import score_live
from services.monitoring.table import as_csv
from services.monitoring.watch import Watch, watches
from services.platforms import MonitoredScorer

if TYPE_CHECKING:
    from services.jobs import Job
    from services.workspace import Workspace

__all__ = [
    "HELPFUL",
    "Asked",
    "Drift",
    "Effect",
    "Marker",
    "Overview",
    "Score",
    "Watch",
    "as_csv",
    "backfill",
    "drift",
    "effect",
    "overview",
    "production_scorers",
    "resume",
    "save_scorers",
    "score_live",
    "scoring_runs",
    "told",
    "watches",
]


def production_scorers(workspace: "Workspace") -> list[MonitoredScorer]:
    return workspace.platform.scoring.status(workspace)


def save_scorers(workspace: "Workspace", wanted: list[MonitoredScorer]) -> None:
    """Change which scorers judge production and how much of it; raises InvalidInputError for a share outside 0..1."""
    if any(not 0 < scorer.rate <= 1 for scorer in wanted):
        raise InvalidInputError(
            Message("A scorer judges more than 0 % and at most 100 % of the answers."), Message("Correct the share.")
        )
    before = production_scorers(workspace)
    fewer = {one.name for one in before if one.running} - {one.name for one in wanted if one.running}
    verb = Verb.STOP_SCORERS if fewer else Verb.START_SCORERS
    with audit.change(workspace, verb, markers.PRODUCTION, before=markers.plain(before), after=markers.plain(wanted)):
        workspace.platform.scoring.apply(workspace, wanted)


def scoring_runs(workspace: "Workspace") -> bool:
    """Whether something judges new answers."""
    return workspace.platform.scoring.standstill(workspace) is None


def resume(workspace: "Workspace") -> None:
    """Start the scoring again when nothing runs it although scorers are on."""
    with audit.change(workspace, Verb.START_SCORERS, "scoring"):
        workspace.platform.scoring.resume(workspace)


def backfill(workspace: "Workspace", hours: float) -> "Job":
    """Judge the live answers of the last `hours` that have no verdict, or only a failed one."""
    with audit.change(workspace, Verb.START_SCORERS, "backfill", after=hours):
        return workspace.platform.scoring.backfill(workspace, hours)
