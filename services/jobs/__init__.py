"""Long work as durable rows: submitted once, claimed by the worker, resumed after a crash, cancelled on request."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from services import audit
from services.audit import Verb
from services.database import job as table
from services.database import new_id, now, writing
from services.jobs.queue import (
    MOST_ATTEMPTS,
    asked_since_scored,
    claim,
    ensure,
    extend,
    fail,
    finish,
    nudge,
    put_right,
    requeue,
    requeue_all,
    stop,
)
from services.jobs.records import LIVE, Job, State, get, live_args, recent
from services.jobs.work import LEASE, Cancelled, Superseded, Work
from services.processes.lock import held

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "HANDLERS",
    "LEASE",
    "LIVE",
    "MOST_ATTEMPTS",
    "Cancelled",
    "Job",
    "State",
    "Superseded",
    "Work",
    "asked_since_scored",
    "cancel",
    "claim",
    "ensure",
    "extend",
    "fail",
    "finish",
    "get",
    "live_args",
    "nudge",
    "put_right",
    "recent",
    "requeue",
    "requeue_all",
    "stop",
    "submit",
    "worker_away",
]

HANDLERS: dict[str, str] = {
    "log_agent": "services.agents:run",
    "try_agent": "services.agents:run_try",
    "check_agent": "services.agents.checking:run",
    "ask_servers": "services.agents.offers:run",
    "install_agent": "services.agents.clean:run",
    "evaluate": "services.evaluations:run",
    "release": "services.releases:run",
    "shut_down": "services.releases.shutdown:run",
    "tell_webhook": "services.releases.telling:run",
    "tell_alert": "services.alerts.sending:run",
    "watch_alerts": "services.alerts.watching:run",
    "score_live": "services.monitoring:score_live",
    "backfill_scorers": "services.platforms.databricks.scoring:backfill",
    "read_traces": "services.readmodel:run",
    "archive_traces": "services.archive:run",
    "tend_archive": "services.archive:run_action",
    "try_scorer": "services.scorers.trying:run",
    "scorer_noise": "services.scorers.trying:run_twice",
    "align_judge": "services.scorers.aligning.running:run",
    "label_traces": "services.platforms.databricks.labeling.making:run",
    "sync_labels": "services.platforms.databricks.labeling.syncing:run",
    "vary_rows": "services.datasets.proposing:run",
    "save_dataset": "services.datasets.saving:run",
    "improve_prompt": "services.prompts.improve.running:run",
    "tend_prompts": "services.prompts.tending:run",
    "rehearse": "services.rehearsal:run",
    "end_rehearsal": "services.rehearsal:run_end",
    "verify_audit": "services.audit.verifying:run",
}


def submit(
    workspace: "Workspace",
    kind: str,
    args: dict[str, Any],
    *,
    exclusive: str | None = None,
    every: int | None = None,
    due: datetime | None = None,
) -> Job:
    """Queue a job; while one with the same `exclusive` key is live, that one is returned and nothing is queued.

    `every`: seconds after which a finished job runs again by itself. `due`: not before that time.
    """
    row = {
        "kind": kind,
        "app_id": workspace.app.id,
        "args": args,
        "actor": workspace.actor.id,
        "groups": list(workspace.actor.groups),
        "state": State.QUEUED.value,
        "exclusive": exclusive,
        "every": every,
        "due_at": due or now(),
        "checkpoint": {},
        "result": {},
    }
    try:
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            id = new_id(connection.execute(insert(table).values(row)))
    except IntegrityError:
        with workspace.engine.connect() as connection:
            live = select(table.c.id).where(table.c.exclusive == exclusive, table.c.state.in_(LIVE))
            found = connection.execute(live).scalar()
        # It may have ended in between: then the way is free.
        return (
            get(workspace, found) if found else submit(workspace, kind, args, exclusive=exclusive, every=every, due=due)
        )
    return get(workspace, id)


def worker_away(workspace: "Workspace") -> bool:
    """Whether nobody does jobs right now; the web server starts a worker that ended again within seconds."""
    return not held(workspace.settings.run_folder / "worker.lock")


def cancel(workspace: "Workspace", id: int) -> None:
    """Ask a job to stop; a queued one stops at once, a running one at its next step."""
    job = get(workspace, id)
    verb = Verb.STOP_RELEASE if job.kind == "release" else Verb.CANCEL_JOB
    with audit.change(workspace, verb, f"{job.kind} {id}"), writing(workspace.engine) as connection:
        connection.execute(update(table).where(table.c.id == id).values(cancel=True))
        connection.execute(
            update(table)
            .where(table.c.id == id, table.c.state == State.QUEUED.value)
            .values(state=State.CANCELLED.value, ended_at=now())
        )
