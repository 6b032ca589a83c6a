"""The trash: what nothing needs is hidden, can come back for 30 days, and is then deleted for good.

MLflow would delete a live version and drop its alias without a word. Here nothing is deleted that is live, that an
agent, an evaluation or a release names, or that was not in the trash first, whoever asks for it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from services import agents, apps, audit, prompts, releases
from services.audit import Verb
from services.database import event_log, now, writing
from services.database import job as job_table
from services.errors import BlockedError, ConflictError, ConsoleError, InvalidInputError
from services.jobs import LIVE
from services.messages import Message
from services.prompts import comments, drafts, moves
from services.prompts.blockers import blockers, live, released

if TYPE_CHECKING:
    from services.workspace import Workspace

log = logging.getLogger("signalbox.worker")

KEPT = timedelta(days=30)
MOST_ERASED = 50


def trash(workspace: "Workspace", name: str, version: int | None = None) -> None:
    """Hide a version, or with None the whole prompt; raises BlockedError with what still needs it."""
    audit.require(workspace, Verb.TRASH_PROMPT)
    _must_be(workspace, name, version, trashed=False)
    _refuse(workspace, name, version)
    moment = now().isoformat()
    line = audit.change(workspace, Verb.TRASH_PROMPT, _subject(name, version), before=False, after=True)
    with line, _nothing_moves(workspace, name, version):
        _tag(workspace, name, version, prompts.TRASH_TAG, moment)


def restore(workspace: "Workspace", name: str, version: int | None = None) -> None:
    """Take a version, or with None the whole prompt, out of the trash."""
    audit.require(workspace, Verb.TRASH_PROMPT)
    _must_be(workspace, name, version, trashed=True)
    with audit.change(workspace, Verb.TRASH_PROMPT, _subject(name, version), before=True, after=False):
        _untag(workspace, name, version, prompts.TRASH_TAG)


def erase(workspace: "Workspace", name: str, version: int | None = None) -> None:
    """Delete for good what is in the trash, with its comments; raises BlockedError with what still needs it."""
    audit.require(workspace, Verb.ERASE_PROMPT)
    _must_be(workspace, name, version, trashed=True)
    _refuse(workspace, name, version)
    full = workspace.full_name(name)
    line = audit.change(workspace, Verb.ERASE_PROMPT, _subject(name, version), before=True)
    with line, _nothing_moves(workspace, name, version) as connection:
        comments.forget(connection, workspace, name, version)
        if version is None:
            drafts.forget(connection, workspace, name)
            workspace.client.delete_prompt(full)
        else:
            workspace.client.delete_prompt_version(full, str(version))


def archive(workspace: "Workspace", name: str, archived: bool = True) -> None:
    """Hide a prompt from the list, or bring it back; nothing is deleted. Raises BlockedError while it answers people."""
    audit.require(workspace, Verb.ARCHIVE_PROMPT)
    prompts.history(workspace, name)
    for place in _answering(workspace, name) if archived else ():
        raise BlockedError(_in_use(place, name), Message("Release an agent with another prompt first."))
    with audit.change(workspace, Verb.ARCHIVE_PROMPT, name, before=not archived, after=archived):
        if archived:
            _tag(workspace, name, None, prompts.ARCHIVE_TAG, now().isoformat())
        else:
            _untag(workspace, name, None, prompts.ARCHIVE_TAG)


def archived(workspace: "Workspace") -> list[str]:
    """The app's archived prompts that are not in the trash, by name."""
    everything = prompts.every_name(workspace).items()
    return [name for name, tags in everything if prompts.ARCHIVE_TAG in tags and prompts.TRASH_TAG not in tags]


def trashed(workspace: "Workspace") -> dict[str, datetime]:
    """The app's prompts in the trash, with the time they were moved there."""
    everything = prompts.every_name(workspace).items()
    return {
        name: datetime.fromisoformat(tags[prompts.TRASH_TAG]) for name, tags in everything if prompts.TRASH_TAG in tags
    }


def erase_expired(workspace: "Workspace") -> int:
    """Delete what has been in the trash for KEPT, as the audit log tells; what is needed again stays. Returns how many."""
    erased = 0
    for name, version in _expired(workspace):
        if erased == MOST_ERASED:
            break
        try:
            at = _trashed_at(workspace, name, version)
            if at is not None and at < now() - KEPT:
                erase(workspace, name, version)
                erased += 1
        except ConsoleError as error:
            log.warning("%s stays in the trash: %s", _subject(name, version), error)
    return erased


def _refuse(workspace: "Workspace", name: str, version: int | None) -> None:
    found = blockers(workspace, name, version)
    if not found:
        return
    refused = (
        Message("{name} cannot be deleted: {why}", name=name, why=found[0])
        if version is None
        else Message("Version {n} of {name} cannot be deleted: {why}", n=version, name=name, why=found[0])
    )
    raise BlockedError(refused, _instead(workspace, name, version))


def _instead(workspace: "Workspace", name: str, version: int | None) -> Message:
    """What may be done in place of deleting; a prompt that answers people cannot be archived either."""
    if version is not None:
        return Message("Leave the version where it is; its title can say that it should not be used.")
    if any(_answering(workspace, name)):
        return Message("Release an agent with another prompt first.")
    return Message("Archive the prompt to hide it.")


@contextmanager
def _nothing_moves(workspace: "Workspace", name: str, version: int | None) -> Iterator[Connection]:
    """Hold the console's write lock and look once more: without it no release can start, nor move the alias.

    The lock is kept for the one call that follows, so that no alias can be set between the look and the delete.
    """
    pointer = job_table.c.exclusive.in_(releases.pointers(workspace)) & job_table.c.state.in_(LIVE)
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        busy = connection.execute(select(job_table.c.id).where(pointer)).scalar() is not None
        if busy or moves.under_way(connection, workspace, name):
            raise ConflictError(
                Message("A release is on its way."), Message("Wait until it has ended, then try again.")
            )
        for why in (*live(workspace, name, version), *released(workspace, name, version)):
            raise BlockedError(why, Message("Look at what is live, and try again if it may still be deleted."))
        yield connection


def _must_be(workspace: "Workspace", name: str, version: int | None, *, trashed: bool) -> None:
    """Raise when it does not exist, or is not where the click assumed it to be."""
    if (_trashed_at(workspace, name, version) is not None) != trashed:
        raise ConflictError(
            Message("It is not in the trash.") if trashed else Message("It is in the trash already."),
            Message("Reload the page and look again."),
        )
    if version is None or trashed or any(one.version != version for one in prompts.history(workspace, name)):
        return
    if len(prompts.every_version(workspace, name)) > 1:
        raise InvalidInputError(
            Message("All other versions of the prompt are in the trash already."),
            Message("Restore one of them first, or move the whole prompt to the trash."),
        )
    raise InvalidInputError(
        Message("It is the prompt's only version."), Message("Move the whole prompt to the trash instead.")
    )


def _trashed_at(workspace: "Workspace", name: str, version: int | None) -> datetime | None:
    if version is not None:
        return prompts.version(workspace, name, version).trashed_at
    prompts.history(workspace, name)
    return trashed(workspace).get(name)


def _expired(workspace: "Workspace") -> list[tuple[str, int | None]]:
    """What the audit log saw going into the trash KEPT ago and not coming back, oldest first."""
    about = event_log.c.verb.in_((Verb.TRASH_PROMPT.value, Verb.ERASE_PROMPT.value)) & (event_log.c.outcome == "done")
    query = select(event_log).where(event_log.c.app_id == workspace.app.id, about).order_by(event_log.c.id)
    held: dict[str, datetime] = {}
    with workspace.engine.connect() as connection:
        for line in connection.execute(query):
            gone = line.verb == Verb.ERASE_PROMPT.value and " " not in line.subject
            for subject in [one for one in held if gone and one.startswith(f"{line.subject} ")]:
                del held[subject]
            held.pop(line.subject, None)
            if line.after is True:
                held[line.subject] = line.at
    old = [subject.partition(" ") for subject, at in held.items() if at < now() - KEPT]
    return [(name, int(number) if number else None) for name, _, number in old]


def _answering(workspace: "Workspace", name: str) -> Iterator["Workspace"]:
    """The app's environments where the prompt answers people now."""
    return (place for place in apps.everywhere(workspace) if _answers(place, name))


def _answers(workspace: "Workspace", name: str) -> bool:
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    live = {one.model_id for one in endpoint.live} if endpoint else set()
    return any(one.model_id in live for one in agents.of_prompt(workspace, name))


def _in_use(place: "Workspace", name: str) -> Message:
    environment = place.app.environment
    if environment.live:
        return Message("{name} answers people now.", name=name)
    stage = Message(apps.TITLE[environment.stage])
    return Message("{name} answers in another environment now: {stage}.", name=name, stage=stage)


def _tag(workspace: "Workspace", name: str, version: int | None, key: str, value: str) -> None:
    full = workspace.full_name(name)
    if version is None:
        workspace.client.set_prompt_tag(full, key, value)
    else:
        workspace.client.set_prompt_version_tag(full, str(version), key, value)


def _untag(workspace: "Workspace", name: str, version: int | None, key: str) -> None:
    full = workspace.full_name(name)
    if version is None:
        workspace.client.delete_prompt_tag(full, key)
    else:
        workspace.client.delete_prompt_version_tag(full, str(version), key)


def _subject(name: str, version: int | None) -> str:
    return name if version is None else f"{name} {version}"
