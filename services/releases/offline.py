"""The emergency stop: everyone gets a fixed message in place of an answer until somebody brings the agents back.

It needs our own database only: not the worker, not MLflow, and no judge.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services import audit, jobs, production
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotReadyError
from services.messages import Message, mark
from services.releases import records, stopping

if TYPE_CHECKING:
    from services.workspace import Workspace

FALLBACK = mark("We are sorry: our assistant is not available at the moment. Please try again later.")
LONGEST = 2_000


@dataclass(frozen=True)
class Offline:
    """Since when nobody answers, who stopped it and why, and what everyone is told."""

    message: str
    by: str
    at: datetime
    why: str


def state(workspace: "Workspace") -> Offline | None:
    """None while agents answer."""
    found = production.offline(workspace)
    return Offline(found["message"], found["by"], datetime.fromisoformat(found["at"]), found["why"]) if found else None


def take(workspace: "Workspace", message: str, why: str) -> None:
    """Take the endpoint offline at once and stop a release under way; raises InvalidInputError without a reason."""
    audit.require(workspace, Verb.TAKE_OFFLINE)
    if not why.strip() or not message.strip() or len(message) > LONGEST:
        raise InvalidInputError(
            Message("A reason and a message are missing, or the message is too long."),
            Message("Type why, and what everyone is told instead, in at most {n} characters.", n=LONGEST),
        )
    if not workspace.platform.serving.rules.fallback:
        raise NotReadyError(
            Message("This platform cannot answer with a fixed message."),
            Message("Stop the endpoint {name} on the platform's own screen.", name=workspace.app.endpoint),
        )
    production.close(workspace, message.strip(), why.strip())
    mine = {one.job_id for one in records.all(workspace)}
    for job in (one for one in jobs.recent(workspace, "release") if one.live and not one.cancelling):
        if job.id in mine:
            stopping.cancel(workspace, job)


def bring_back(workspace: "Workspace", why: str) -> None:
    """Let the agents answer again; raises ConflictError when they do, InvalidInputError without a reason."""
    audit.require(workspace, Verb.BRING_BACK)
    if not why.strip():
        raise InvalidInputError(Message("There is no reason."), Message("Type why it may answer again."))
    if state(workspace) is None:
        raise ConflictError(Message("The endpoint is not offline."), Message("Reload the page."))
    production.reopen(workspace, why.strip())


def history(workspace: "Workspace") -> list[audit.Event]:
    """Every stop and every return, oldest first."""
    found = audit.of_verbs(workspace, (Verb.TAKE_OFFLINE, Verb.BRING_BACK))
    return [one for one in found if one.outcome == "done" and one.subject == workspace.app.endpoint]
