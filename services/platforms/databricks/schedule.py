"""The job of a workspace that runs production scorers, as it is there: its state, its rhythm, and every scorer it knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlflow.genai.scorers import delete_scorer

from services import audit, scorers
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotFoundError, translated
from services.messages import Message
from services.platforms.databricks import access as access_to
from services.platforms.databricks import links, monitors, rest
from services.platforms.databricks.rest import Refused, Rest
from services.platforms.databricks.scoring import MOST, changing, job_name
from services.platforms.databricks.telling import without_agents
from services.secrets import masked

if TYPE_CHECKING:
    from services.workspace import Workspace

FASTEST, SLOWEST, USUAL = 1, 60, 15


@dataclass(frozen=True)
class Job:
    """The job that judges; `last` is when its newest run ended, `failed` what that run said if it did not succeed."""

    paused: bool
    page: str
    last: datetime | None
    failed: str | None


@dataclass(frozen=True)
class Registered:
    """A scorer in the experiment's list; `ours`: the app has one of this name. A `rate` of 0 stands still."""

    name: str
    rate: float
    only: str
    ours: bool


@dataclass(frozen=True)
class Schedule:
    """`minutes` between two runs. `legacy`: an external monitor of older days keeps scorers out."""

    job: Job | None
    minutes: int
    registered: tuple[Registered, ...]
    legacy: bool

    @property
    def room(self) -> int:
        return MOST - len(self.registered)


def state(workspace: "Workspace") -> Schedule:
    """How it is now, also where somebody changed it elsewhere: four short questions at most."""
    access = access_to.of(workspace)
    id = workspace.app.experiment_id
    known = {one.name for one in scorers.all(workspace)}
    with rest.asking(access, Message("Reading the scoring job")) as there:
        registered = tuple(
            Registered(
                str(one["name"]),
                float(one.get("sample_rate") or 0),
                str(one.get("filter_string") or ""),
                one["name"] in known,
            )
            for one in _registered(there, id)
        )
        return Schedule(
            _job(there, workspace),
            _minutes(there, id) if registered else USUAL,
            registered,
            not registered and monitors.watches(there, id),
        )


def save_minutes(workspace: "Workspace", minutes: int) -> None:
    """Have the workspace judge every so many minutes, FASTEST to SLOWEST; raises InvalidInputError."""
    if not FASTEST <= minutes <= SLOWEST:
        raise InvalidInputError(
            Message("The workspace judges every {n} minutes at most.", n=SLOWEST), Message("Correct the number.")
        )
    try:
        from databricks.agents.scorers import set_monitoring_configuration  # type: ignore[import-untyped]  # no types
    except ModuleNotFoundError as error:
        raise without_agents() from error
    before = state(workspace).minutes
    with (
        audit.change(workspace, Verb.START_SCORERS, "scoring job", before=before, after=minutes),
        changing(workspace),
        translated(Message("Changing the scoring job")),
    ):
        set_monitoring_configuration(experiment_id=workspace.app.experiment_id, frequency_minutes=minutes)


def delete(workspace: "Workspace", name: str) -> None:
    """Take a scorer that stands still off the experiment's list; its verdicts stay. Raises ConflictError, NotFoundError."""
    found = next((one for one in state(workspace).registered if one.name == name), None)
    if found is None:
        raise NotFoundError(
            Message("The workspace has no scorer {name} any more.", name=name), Message("Reload the page.")
        )
    if found.rate and found.ours:
        raise ConflictError(
            Message("The scorer {name} judges answers now.", name=name), Message("Stop it first, then delete it.")
        )
    with (
        audit.change(workspace, Verb.STOP_SCORERS, name, before=f"{found.rate * 100:.0f} %"),
        changing(workspace),
        translated(Message("Deleting the scorer {name}", name=name)),
    ):
        try:
            delete_scorer(name=name, experiment_id=workspace.app.experiment_id, version="all")
        except ImportError as error:
            raise without_agents() from error


def _registered(there: Rest, id: str) -> Iterator[dict[str, Any]]:
    """The experiment's list as it is kept, also what no SDK can read; nothing where there never was one."""
    token = ""
    while True:
        try:
            page = there.get(f"2.0/managed-evals/scheduled-scorers/{id}", **({"page_token": token} if token else {}))
        except Refused as refused:
            if refused.missing:
                return
            raise
        yield from (page.get("scheduled_scorers") or {}).get("scorers") or []
        token = str(page.get("next_page_token") or "")
        if not token:
            return


def _minutes(there: Rest, id: str) -> int:
    told = there.get(f"2.0/managed-evals/experiments/{id}/monitoring-configuration")
    return int(told.get("frequency_minutes") or USUAL)


def _job(there: Rest, workspace: "Workspace") -> Job | None:
    found = there.get("2.2/jobs/list", name=job_name(workspace)).get("jobs") or []
    if not found:
        return None
    id = int(found[0]["job_id"])
    schedule = (found[0].get("settings") or {}).get("schedule") or {}
    runs = there.get("2.2/jobs/runs/list", job_id=id, limit=1).get("runs") or []
    ended = int(runs[0].get("end_time") or 0) if runs else 0
    outcome = (runs[0].get("state") or {}) if runs else {}
    failed = outcome.get("result_state") not in (None, "SUCCESS")
    return Job(
        paused=schedule.get("pause_status") == "PAUSED",
        page=links.job(access_to.of(workspace), id),
        last=datetime.fromtimestamp(ended / 1000, UTC) if ended else None,
        failed=masked(str(outcome.get("state_message") or outcome["result_state"]))[:300] if failed else None,
    )
