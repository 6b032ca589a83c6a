"""Judging live answers in a process that kills itself at a bad moment."""

import os
import signal
from typing import Any

from services import apps, jobs, monitoring, people
from services.monitoring import scoring
from services.settings import Settings
from services.workspace import Workspace, connect

VERDICTS = 5


def score(settings: Settings, app_id: str, when: str) -> None:
    """Die `before` or `after` the last of VERDICTS is stored, in the middle of an answer that two scorers judge."""
    place = Workspace(connect(settings), people.identify(settings, {}))
    workspace, keep, kept = place.for_app(apps.get(place, app_id)), scoring._keep, []

    def killed(*given: Any) -> None:
        kept.append(1)
        if len(kept) == VERDICTS and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        keep(*given)
        if len(kept) == VERDICTS:
            os.kill(os.getpid(), signal.SIGKILL)

    scoring._keep = killed
    job = jobs.submit(workspace, "score_live", {"killed": when})
    while (taken := jobs.claim(workspace.engine)).id != job.id:
        jobs.finish(workspace.engine, taken, {})
    monitoring.score_live(workspace, jobs.Work(workspace.engine, taken))
