"""Copying to the archive in a process that kills itself at a bad moment."""

import os
import signal
from typing import NoReturn

from services import apps, archive, people
from services.archive import copying, keeping, plan, table
from services.settings import Settings
from services.workspace import Workspace, connect

PASSES = 3


def copy(settings: Settings, app_id: str, where: str) -> None:
    """`before` a commit is in the log, `after` it while nothing of it is noted, or while `compacting`."""
    workspace = _opened(settings, app_id)
    passes = []

    def killed_at_last() -> None:
        passes.append(1)
        if len(passes) == PASSES:
            die()

    intend, look = table.cursor.intend, table.DeltaTable.update_incremental
    if where == "before":
        table.cursor.intend = lambda *given: (intend(*given), killed_at_last())
    elif where == "after":
        table.DeltaTable.update_incremental = lambda self: (look(self), killed_at_last())
    else:
        table.Writing.tidy = lambda self: die()
    copying.copy(workspace, plan.load(workspace), lambda done, waiting: None)
    keeping.tidy(workspace, every=True)


def forget(settings: Settings, app_id: str, trace_id: str) -> None:
    """Die when the row is gone and its old file is still there."""
    table.Writing.sweep = lambda self: die()
    archive.forget(_opened(settings, app_id), [trace_id])


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _opened(settings: Settings, app_id: str) -> Workspace:
    place = Workspace(connect(settings), people.identify(settings, {}))
    return place.for_app(apps.get(place, app_id))
