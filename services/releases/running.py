"""The release job: every step in order, and what is left in order whichever way it ends."""

import logging
from typing import TYPE_CHECKING, Any

from services import jobs, production
from services.database import now
from services.errors import BlockedError, ConflictError, ConsoleError
from services.messages import Message
from services.releases import evidence, records, registering, sharing, steps, stopping, telling
from services.releases.facts import Kind, Release, State
from services.releases.pointer import rollback_target
from services.releases.records import get

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

log = logging.getLogger("signalbox.worker")


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The release job: every step that is not done yet, in order; each is idempotent and can be repeated."""
    id = work.args["release"]
    workspace = records.place(workspace, id)
    found = get(workspace, id)
    if found.state is not State.RUNNING:
        return _ended_before(workspace, found)
    try:
        sharing.heed(workspace, found)
        names = [one.name for one in found.steps]
        for position, name in enumerate(names):
            work.progress(position, len(names) + 1)
            if not get(workspace, id).done(name):
                steps.take(workspace, work, id, name)
    except jobs.Cancelled:
        stopping.halt(workspace, id)
        raise
    except sharing.Paused as paused:
        stopping.halt(workspace, id, paused.told)
        return {"release": id}
    except sharing.Kept as kept:
        return _keep_live(workspace, id, kept)
    except ConsoleError as error:
        end_badly(workspace, id, error)
        raise
    records.set_state(workspace, id, State.LIVE)
    return _end_well(workspace, get(workspace, id))


def _keep_live(workspace: "Workspace", id: int, kept: sharing.Kept) -> dict[str, Any]:
    """After an A/B test: nothing of the new version stays, and the release is over."""
    _clear_away(workspace, get(workspace, id), f"release {id} kept the live version")
    records.set_step(workspace, id, kept.step, state="done", ended_at=now(), detail=kept.told.to_json())
    records.set_state(workspace, id, State.WITHDRAWN)
    return {"release": id}


def _ended_before(workspace: "Workspace", release: Release) -> dict[str, Any]:
    """What an interrupted attempt had not cleared away; raises ConflictError: nothing moves for who gave it up."""
    if release.state is State.LIVE:
        return _end_well(workspace, release)
    if release.state is State.WITHDRAWN and release.decided:
        return {"release": release.id}
    if release.state in (State.FAILED, State.BLOCKED) and has_moved(workspace, release) is False:
        _clear_away(workspace, release, f"release {release.id} failed")
    raise ConflictError(
        release.error or Message("Release {id} was stopped or withdrawn before it ran.", id=release.id),
        release.remedy or Message("Look at it on the Releases screen."),
    )


def _end_well(workspace: "Workspace", release: Release) -> dict[str, Any]:
    """Tell and keep what happened; then what is neither live nor the way back is stopped."""
    telling.tell(workspace, "rolled back" if release.kind is Kind.ROLLBACK else "live", release)
    _keep_evidence(workspace, release.id)
    try:
        _tidy(workspace, release)
    except ConsoleError as error:
        log.warning("What release %s left standing was not stopped: %s", release.id, error)
    return {"release": release.id}


def _tidy(workspace: "Workspace", release: Release) -> None:
    """A standing version costs memory."""
    target = rollback_target(workspace)
    needed = {release.after.agent_version, target.after.agent_version if target else None}
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    for one in endpoint.versions if endpoint else ():
        if one.version not in needed and one.weight == 0:
            production.retire(workspace, one.version, why=f"release {release.id} is live")


def _keep_evidence(workspace: "Workspace", id: int) -> None:
    """What is live stays live without it: the release's page offers to keep it again."""
    try:
        evidence.keep(workspace, id)
    except ConsoleError as error:
        log.warning("The evidence of release %s was not kept: %s", id, error)


def end_badly(workspace: "Workspace", id: int, error: ConsoleError) -> None:
    """Say what happened; a version that failed before it got traffic is taken down again."""
    found = get(workspace, id)
    moved = has_moved(workspace, found)
    state = State.UNPROVEN if moved else State.BLOCKED if isinstance(error, BlockedError) else State.FAILED
    written = {"message": error.message.to_json(), "remedy": error.remedy.to_json() if error.remedy else None}
    records.set_state(workspace, id, state, error=written)
    if moved is False:
        _clear_away(workspace, found, f"release {id} failed")


def _clear_away(workspace: "Workspace", release: Release, why: str) -> None:
    """What cannot be cleared away now does not hide why the release failed: withdrawing it tries again."""
    if release.kind is not Kind.AGENT or release.after.agent_version is None:
        return
    try:
        sharing.take_back(workspace, release)
        take_down(workspace, release, why)
        registering.give_up(workspace, release)
    except ConsoleError as error:
        log.warning("What release %s left standing was not cleared away: %s", release.id, error)


def has_moved(workspace: "Workspace", release: Release) -> bool | None:
    """Whether the traffic or the alias has moved, also when the step did not end; None when nobody can say now."""
    before, after = release.before, release.after
    if release.done("shift") or not release.moving or release.kind is Kind.ADOPTION:
        return release.done("shift")
    try:
        if before.agent_version != after.agent_version:
            # Where both move, the traffic goes first; before that the alias is read by nobody, or is where it was.
            return production.traffic(workspace).get(release.agent_version) == 100
        return before.prompt_version != after.prompt_version == production.alias(workspace, release.prompt_name)
    except ConsoleError:
        return None


def take_down(workspace: "Workspace", release: Release, why: str) -> None:
    """Leave nothing of an agent release standing; its steps are taken again when it is resumed."""
    for step in release.steps:
        if step.state == "done" and step.name in ("deploy", "ready", "smoke"):
            records.set_step(workspace, release.id, step.name, state="waiting")
    sharing.forget(workspace, release)
    production.retire(workspace, release.agent_version, why)
    handle = next(one.handle for one in release.steps if one.name == "deploy")
    if "alias" in handle:
        ours = release.after.prompt_version
        production.restore_alias(workspace, release.prompt_name, ours, handle["alias"], why)
