"""Production scorers of a workspace: kept with the experiment, run by a job of the workspace's own."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from databricks.sdk.service.jobs import BaseJob, CronSchedule, JobSettings, PauseStatus
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import Scorer, ScorerSamplingConfig, list_scorers
from mlflow.utils.search_utils import SearchTraceUtils

from services import apps, jobs, scorers
from services.database import now
from services.errors import ConflictError, InvalidInputError, NotReadyError, PlatformError, translated
from services.jobs import Job, Work
from services.messages import Message
from services.platforms import MonitoredScorer
from services.platforms.databricks import monitors, registrable
from services.platforms.databricks.client import Client
from services.platforms.databricks.telling import without_agents
from services.processes.lock import alone
from services.scorers import ScorerSpec

if TYPE_CHECKING:
    from services.workspace import Workspace

STARTED = "production_scorers"
MOST = 20
ATTEMPTS = 3
BACKFILL = "backfill_scorers"
FILTER = "tags.channel = 'web'"


class DatabricksScoring:
    """The experiment's list is the truth; our setting remembers only which version of ours each one was made from."""

    filters = True

    def __init__(self, client: Client) -> None:
        self.client = client

    def refuses(self, spec: ScorerSpec) -> Message | None:
        return registrable.refusal(spec)

    def status(self, workspace: "Workspace") -> list[MonitoredScorer]:
        """A scorer that stands still has no share there; the one it had is remembered."""
        kept = {one["name"]: one for one in apps.load_setting(workspace, STARTED) or []}
        return [
            MonitoredScorer(
                one.name,
                int(kept.get(one.name, {}).get("version", 0)),
                float(one.sample_rate or kept.get(one.name, {}).get("rate", 1.0)),
                bool(one.sample_rate),
                one.filter_string or "",
            )
            for one in self._there(workspace)
        ]

    def apply(self, workspace: "Workspace", scorers: Sequence[MonitoredScorer]) -> None:
        """Those of `scorers` judge, ours that are missing stop; what somebody made elsewhere goes on.

        The SDKs rewrite the whole list at every change: when another console did so at the same moment, ours is made again.
        """
        _refuse_filters(scorers)
        with changing(workspace), translated(Message("Changing the production scorers")), monitors.explained(workspace):
            known = _versions(workspace)
            for _ in range(ATTEMPTS):
                self._change(workspace, scorers, known)
                fallen = _fallen(scorers, self._there(workspace))
                if not fallen:
                    break
                # What was written over may have an older text again.
                known |= {one.name: 0 if one.name in fallen else one.version for one in scorers}
            else:
                raise ConflictError(
                    Message("Somebody else changes the scorers of this experiment at the same time."),
                    Message("Look at what is running, then save again."),
                )
            apps.save_setting(workspace, STARTED, [asdict(one) for one in scorers])
        self.resume(workspace)

    def _change(self, workspace: "Workspace", scorers: Sequence[MonitoredScorer], known: dict[str, int]) -> None:
        there = {one.name: one for one in self._there(workspace)}
        names = {one.name for one in scorers}
        if len({*there, *(one.name for one in scorers if one.running and one.version)}) > MOST:
            raise ConflictError(
                Message("A workspace keeps {n} scorers for one experiment, and these would be more.", n=MOST),
                Message(
                    "Delete some that stand still, on the Monitoring screen, under the scoring job of the workspace."
                ),
            )
        for one in scorers:
            self._make(workspace, one, there.get(one.name), known)
        for name in known.keys() - names:
            self._stop(workspace, there.get(name))

    def standstill(self, workspace: "Workspace") -> Message | None:
        job = self.job(workspace)
        if job is None:
            return Message("The workspace has not made its scoring job yet. Look again in a minute.")
        if paused(job):
            return Message("The scoring job of the workspace is paused. Press “Start scoring again”.")
        return None

    def soon(self, waiting: int) -> Message:
        return Message(
            "Answers without a verdict yet: {n}. The workspace judges every quarter of an hour; the first verdicts take 15 "
            "to 20 minutes.",
            n=waiting,
        )

    def resume(self, workspace: "Workspace") -> None:
        """The workspace pauses its job when the first scorer was started after a deployment; nothing says so there."""
        job = self.job(workspace)
        if job is None or not paused(job) or not any(one.running for one in self.status(workspace)):
            return
        before = job.settings.schedule if job.settings else None
        if before is None:
            return
        again = CronSchedule(before.quartz_cron_expression, before.timezone_id, PauseStatus.UNPAUSED)
        with translated(Message("Resuming the scoring job")):
            self.client.sdk.jobs.update(int(job.job_id or 0), new_settings=JobSettings(schedule=again))

    def backfill(self, workspace: "Workspace", hours: float) -> Job:
        return jobs.submit(workspace, BACKFILL, {"hours": hours}, exclusive=f"backfill:{workspace.app.id}")

    def job(self, workspace: "Workspace") -> Any:
        """The job that judges, with its schedule; None before the first scorer."""
        with translated(Message("Reading the scoring job")):
            found: BaseJob | None = next(iter(self.client.sdk.jobs.list(name=job_name(workspace))), None)
            return self.client.sdk.jobs.get(int(found.job_id or 0)) if found else None

    def _there(self, workspace: "Workspace") -> list[Scorer]:
        with translated(Message("Reading the production scorers")):
            return list(list_scorers(experiment_id=workspace.app.experiment_id))

    def _make(
        self, workspace: "Workspace", wanted: MonitoredScorer, there: Scorer | None, known: dict[str, int]
    ) -> None:
        """Registered when it is new or its text changed; then started, or its share changed."""
        if not wanted.running:
            self._stop(workspace, there)
            return
        experiment_id = workspace.app.experiment_id
        if wanted.version and (there is None or known.get(wanted.name) != wanted.version):
            spec = scorers.at(workspace, wanted.name, wanted.version)
            filled = scorers.filled(spec, workspace)
            there = registrable.scorer(spec, filled).register(experiment_id=experiment_id)
        if there is not None and not _stands(wanted, there):
            # An empty filter takes the one away that is there; None would leave it.
            sampling = ScorerSamplingConfig(sample_rate=wanted.rate, filter_string=wanted.only)
            there.start(experiment_id=experiment_id, sampling_config=sampling)

    def _stop(self, workspace: "Workspace", there: Scorer | None) -> None:
        if there is not None and there.sample_rate:
            there.stop(experiment_id=workspace.app.experiment_id)


def job_name(workspace: "Workspace") -> str:
    """What the workspace calls the job that judges the app's traces."""
    return f"{workspace.app.experiment_id} Trace Metrics Computation Job"


def paused(job: Any) -> bool:
    schedule = job.settings.schedule if job.settings else None
    return schedule is not None and schedule.pause_status == PauseStatus.PAUSED


def backfill(workspace: "Workspace", work: Work) -> dict[str, Any]:
    """The handler of the job “backfill_scorers”: the workspace judges what was answered in the last hours."""
    try:
        from databricks.agents.scorers import backfill_scorers  # type: ignore[import-untyped]  # no types
    except ModuleNotFoundError as error:
        raise without_agents() from error

    running = [one.name for one in workspace.platform.scoring.status(workspace) if one.running]
    if not running:
        raise NotReadyError(
            Message("No production scorer is running for {app}.", app=workspace.app.name),
            Message("Start one on the Monitoring screen."),
        )
    if "job" not in work.checkpoint:
        if work.checkpoint.get("asked"):
            raise PlatformError(
                Message("It was interrupted, and whether the workspace began to judge older answers is not known."),
                Message("Look at the jobs of the workspace before you ask again."),
            )
        work.save({"asked": True})
        since = now() - timedelta(hours=float(work.args["hours"]))
        with translated(Message("Asking the workspace to judge older answers")):
            begun = backfill_scorers(
                experiment_id=workspace.app.experiment_id, scorers=running, start_time=since, end_time=now()
            )
        work.save({"job": str(begun)})
    return {"job": work.checkpoint["job"], "scorers": len(running)}


def changing(workspace: "Workspace") -> AbstractContextManager[None]:
    """Every change rewrites the experiment's whole list: two at once would lose one of them."""
    return alone(workspace.settings.run_folder / f"scorers-{workspace.app.experiment_id}.lock")


def _refuse_filters(scorers: Iterable[MonitoredScorer]) -> None:
    """A filter that nobody can read would judge nothing, without a word."""
    for one in scorers:
        try:
            SearchTraceUtils.parse_search_filter_for_search_traces(one.only)
        except MlflowException as error:
            raise InvalidInputError(
                Message("The filter of {name} cannot be read: {reason}", name=one.name, reason=str(error)[:200]),
                Message("Write it as in MLflow's search for traces, such as: {example}", example=FILTER),
            ) from error


def _fallen(wanted: Iterable[MonitoredScorer], there: Iterable[Scorer]) -> set[str]:
    """Those that neither run nor stand still as they are wanted; what was made elsewhere may be deleted there."""
    known = {one.name: one for one in there}
    ours = (one for one in wanted if one.version or one.name in known)
    return {one.name for one in ours if not _stands(one, known.get(one.name))}


def _stands(wanted: MonitoredScorer, there: Scorer | None) -> bool:
    if there is None or not wanted.running:
        return not wanted.running and (there is None or not there.sample_rate)
    return there.sample_rate == wanted.rate and (there.filter_string or "") == wanted.only


def _versions(workspace: "Workspace") -> dict[str, int]:
    """Which version of our scorer each one was made from."""
    return {one["name"]: int(one["version"]) for one in apps.load_setting(workspace, STARTED) or []}
