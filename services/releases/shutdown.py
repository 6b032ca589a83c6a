"""The end of a development or staging environment that nobody needs now: nothing of it stands, and its history stays."""

from typing import TYPE_CHECKING, Any

from services import agents, apps, audit, jobs, production
from services.apps import Stage
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError
from services.jobs import Job
from services.messages import Message
from services.releases import records, stopping
from services.releases.facts import Kind, Release, State

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

KIND = "shut_down"


def begin(workspace: "Workspace", why: str) -> Job:
    """Shut the workspace's environment down, with a reason; the job goes on by itself and holds the pointer meanwhile.

    Raises ConflictError for production, and while a release is on its way or stopped half way there.
    """
    audit.require(workspace, Verb.SHUT_DOWN)
    if workspace.app.environment.live:
        raise production.never_production()
    if not why.strip():
        raise InvalidInputError(Message("There is no reason."), Message("Type why it is not needed now."))
    _nothing_half_way(workspace)
    args = {"stage": workspace.app.environment.stage.value, "why": why.strip()}
    job = jobs.submit(workspace, KIND, args, exclusive=apps.pointer(workspace))
    if job.kind != KIND:  # a release was started at the same moment
        stopping.nothing_on_its_way(workspace)
    return job


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job: what an earlier attempt did stays done, and the line in the audit log that ends it comes last."""
    there, why = apps.at(workspace, Stage(work.args["stage"])), work.args["why"]
    found = records.all(there)
    prompts = sorted({one.prompt_name for one in found if one.prompt_name})
    production.shut_down(there, prompts, agents.registered_name(there), why)
    for one in (one for one in found if one.state is State.UNPROVEN):  # it can be neither resumed nor rolled back now
        records.set_state(there, one.id, State.TAKEN_BACK)
    return {"stage": work.args["stage"]}


def history(workspace: "Workspace") -> list[audit.Event]:
    """Every time that the environment was shut down, oldest first; never for production."""
    environment = workspace.app.environment
    if environment.live:
        return []
    found = audit.of_verbs(workspace, (Verb.SHUT_DOWN,))
    return [one for one in found if one.outcome == "done" and one.subject == f"environment {environment.stage}"]


def last(workspace: "Workspace") -> audit.Event | None:
    """When, by whom and why it was shut down last; None when it never was."""
    return next(reversed(history(workspace)), None)


def unfinished(workspace: "Workspace") -> Job | None:
    """The shut down that waits or runs, or that ended before all of it was done and nothing was released since."""
    stage = workspace.app.environment.stage
    mine = (one for one in jobs.recent(workspace, KIND) if one.args["stage"] == stage)
    newest = next(mine, None)
    if newest is None or newest.live:
        return newest
    if newest.state is jobs.State.DONE or not newest.attempt:  # without an attempt it was cancelled before it began
        return None
    moved = [one.moved_at for one in records.all(workspace) if one.moved_at]
    return None if any(at > newest.created_at for at in moved) else newest


def busy(workspace: "Workspace") -> ConflictError:
    """What is answered to who wants to start a release meanwhile."""
    return ConflictError(
        Message("{endpoint} is being shut down.", endpoint=workspace.app.endpoint),
        Message("Wait until that has ended, then start the release: it sets the environment up again."),
    )


def _nothing_half_way(workspace: "Workspace") -> None:
    stopping.nothing_on_its_way(workspace)
    if left := next((one for one in records.all(workspace) if _half_way(one)), None):
        raise ConflictError(
            Message("Release {id} was stopped half way.", id=left.id),
            Message("Withdraw it, resume it or roll back, then shut the environment down."),
        )


def _half_way(release: Release) -> bool:
    """What it started may still stand, and resuming it would not find that any more."""
    standing = release.kind is Kind.AGENT and release.done("deploy") and not release.moved_at
    return release.startable and (standing or release.state in (State.RUNNING, State.STOPPED))
