"""Handlers for test_jobs; they run in the forked child."""

import time
from typing import Any

from sqlalchemy import event

from services.errors import ConsoleError
from services.jobs import Work
from services.messages import Message
from services.workspace import Workspace


def count(workspace: Workspace, work: Work) -> dict[str, Any]:
    for done in range(work.args["to"]):
        work.progress(done, work.args["to"])
    return {"counted": work.args["to"], "as": workspace.actor.id}


def refuse(workspace: Workspace, work: Work) -> dict[str, Any]:
    raise ConsoleError(Message("No room for {n}.", n=3), Message("Make room."))


def crash(workspace: Workspace, work: Work) -> dict[str, Any]:
    return {"never": 1 / 0}


def wait(workspace: Workspace, work: Work) -> dict[str, Any]:
    stop_after = work.args.get("stop_after", 10_000) if work.job.attempt > 1 else 10_000
    for done in range(stop_after):
        work.progress(done, 10_000)
        time.sleep(0.05)
    return {}


def overflow(workspace: Workspace, work: Work) -> dict[str, Any]:
    """On the first attempt the database has no room for the result."""
    if work.job.attempt > 1:
        return {"kept": True}
    event.listen(workspace.engine, "connect", lambda made, _: made.execute("PRAGMA max_page_count = 1"))
    workspace.engine.dispose()
    return {"long": "x" * 1_000_000}
