"""What the worker's look records: what answers in an environment was moved outside the console."""

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from services import apps, audit
from services.audit import Event, Verb
from services.database import writing
from services.errors import ConsoleError
from services.people import CONSOLE
from services.releases import records, shutdown
from services.releases.pointer import Live, live

if TYPE_CHECKING:
    from services.workspace import Workspace

log = logging.getLogger("signalbox.worker")


def notice_all(workspace: "Workspace") -> None:
    """Record a move in any environment, once; one that cannot be read now keeps nobody from the others."""
    for place in apps.everywhere(workspace):
        try:
            _notice(place)
        except ConsoleError as error:
            log.warning("Whether %s was moved outside the console is not known: %s", place.app.endpoint, error)


def noticed(workspace: "Workspace", now: Live) -> Event | None:
    """The line that recorded what answers now as moved outside; None before it was noticed."""
    newest = _newest(workspace, now)
    return newest if newest and newest.after == _told(now) else None


def _newest(workspace: "Workspace", now: Live) -> Event | None:
    """The newest line about a move outside since the release that moved last."""
    since = now.release.moved_at if now.release else None
    lines = audit.of_verbs(workspace, (Verb.NOTICE_LIVE,), since)
    mine = [one for one in lines if one.subject == workspace.app.endpoint]
    return mine[-1] if mine else None


def _notice(workspace: "Workspace") -> None:
    """Left alone while a release is on its way, or the environment is shut down. Moves of production's alias stand in the prompt's own history.

    What was moved outside and is put back outside is recorded, too: the same move may come again.
    """
    if shutdown.unfinished(workspace) or any(one.working for one in records.all(workspace)):
        return
    now = live(workspace)
    newest = _newest(workspace, now)
    if now.release is None or (newest and newest.after == _told(now)) or not (now.moved_outside or newest):
        return
    alias_alone = now.moved_outside and now.pair.model_id == now.release.after.model_id and not now.split
    if workspace.app.environment.live and alias_alone:
        return
    before = newest.after if newest else asdict(now.release.after)
    console = replace(workspace, actor=CONSOLE)
    with writing(workspace.engine) as connection:
        audit.record(connection, console, Verb.NOTICE_LIVE, workspace.app.endpoint, before, _told(now))


def _told(now: Live) -> dict[str, object]:
    return {**asdict(now.pair), "split": now.split}
