"""Which model judges production: a setting of whoever starts the console, so that a change of it is noticed, not saved."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from services import audit, scorers
from services.audit import Verb
from services.database import writing
from services.people import CONSOLE
from services.scorers import ScorerSpec

if TYPE_CHECKING:
    from services.workspace import Workspace


def notice(workspace: "Workspace", judging: Iterable[ScorerSpec]) -> None:
    """Record the judging model before it judges for the first time, and when it is another one than before."""
    if not any(scorers.needs_judge(one) for one in judging):
        return
    lines = audit.of_verbs(workspace, (Verb.NOTICE_JUDGE,))
    before, model = lines[-1].after if lines else None, workspace.settings.judge_model
    if before != model:
        with writing(workspace.engine) as connection:
            console = replace(workspace, actor=CONSOLE)
            audit.record(connection, console, Verb.NOTICE_JUDGE, model, before, model)
