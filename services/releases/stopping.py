"""A release stops: what is queued never starts, what runs ends at its next look, and the old version answers."""

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from services import audit, jobs
from services.audit import Verb
from services.errors import ConflictError, ConsoleError
from services.jobs import Job
from services.messages import Message
from services.releases import records, sharing
from services.releases.facts import Kind, Release, State

if TYPE_CHECKING:
    from services.workspace import Workspace

SECONDS_TO_STOP = 15.0
LOOK_EVERY = 0.2
log = logging.getLogger("signalbox.worker")


def stop(workspace: "Workspace", id: int) -> None:
    """Ask a running release to stop after its current step; it can be resumed or left.

    Raises ConflictError for one that has ended, also while its job still clears away.
    """
    audit.require(workspace, Verb.STOP_RELEASE)
    found = records.get(workspace, id)
    if not found.working or found.finishing or found.job_id is None:
        raise ConflictError(Message("Release {id} is not running.", id=id))
    cancel(workspace, jobs.get(workspace, found.job_id))


def cancel(workspace: "Workspace", job: Job) -> None:
    """Ask any job to stop; a release whose job never ran does not stay on its way."""
    jobs.cancel(workspace, job.id)
    if job.kind != "release":
        return
    workspace = records.place(workspace, job.args["release"])
    for one in records.all(workspace):
        if one.id == job.args["release"] and one.state is State.RUNNING and not one.working:
            halt(workspace, one.id)


def make_way(workspace: "Workspace") -> None:
    """Stop the release on its way, so that a way back waits for nothing else; raises ConflictError for another way back.

    One that runs ends at its next look: raises ConflictError where that takes longer than a click may last.
    """
    for busy in _until_free(workspace):
        if busy.kind is Kind.ROLLBACK:
            raise _on_its_way(busy)
        if not (busy.stopping or busy.finishing):
            _stop_if_there(workspace, busy)


def halt(workspace: "Workspace", id: int, told: Message | None = None) -> None:
    """Stopped, to be resumed or left: a canary's old version answers everyone meanwhile, or the release says why not."""
    found = records.get(workspace, id)
    remedy = Message("Look at the answers, then resume the release or withdraw it.")
    try:
        sharing.take_back(workspace, found)
    except ConsoleError as refused:
        log.warning("The share of release %s was not taken back: %s", id, refused)
        told = Message("The new version may still answer a share of the questions: {reason}", reason=refused.message)
        remedy = Message("Withdraw the release: that takes the share back.")
    else:
        if found.watching and not found.done("shift"):
            sharing.forget(workspace, found)
    error = {"message": told.to_json(), "remedy": remedy.to_json()} if told else None
    records.set_state(workspace, id, State.STOPPED, error=error)


def nothing_on_its_way(workspace: "Workspace") -> None:
    """Raise ConflictError while a release moves, or is planned; one that has ended is given a moment to clear away."""
    for busy in _until_free(workspace):
        if not busy.finishing:
            raise _on_its_way(busy)


def _until_free(workspace: "Workspace") -> Iterator[Release]:
    """The release on its way, at every look until there is none; raises ConflictError where one takes too long to end."""
    end = time.monotonic() + SECONDS_TO_STOP
    while busy := _busy(workspace):
        yield busy
        if busy.stopping or busy.finishing:
            if time.monotonic() > end:
                raise _still_ending(busy)
            time.sleep(LOOK_EVERY)


def _still_ending(release: Release) -> ConflictError:
    told = Message("Release {id} is asked to stop and still finishes its step.", id=release.id)
    if release.finishing:
        told = Message("Release {id} has ended, and its evidence is being kept.", id=release.id)
    return ConflictError(told, Message("Click again in a moment: nothing else of it is done meanwhile."))


def _on_its_way(release: Release) -> ConflictError:
    return ConflictError(
        Message("Release {id} is on its way.", id=release.id), Message("Wait until it has ended, or stop it.")
    )


def _busy(workspace: "Workspace") -> Release | None:
    return next((one for one in records.all(workspace) if one.working), None)


def _stop_if_there(workspace: "Workspace", release: Release) -> None:
    """It may have ended by itself a moment ago."""
    try:
        stop(workspace, release.id)
    except ConflictError:
        return
