"""What people say of a scorer's verdict: kept with the trace in their name beside the scorer's own, which stays."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import mlflow
from mlflow.entities import AssessmentSource, AssessmentSourceType

from services import audit, traces
from services.audit import Verb
from services.errors import InvalidInputError, NotFoundError, translated
from services.messages import Message
from services.traces import rows as trace_rows

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST_WHY = 2_000


@dataclass(frozen=True)
class Correction:
    """One person's newest verdict on an answer under a scorer's name."""

    scorer: str
    value: bool | float | str
    why: str
    actor: str
    at: datetime


def of(workspace: "Workspace", trace_id: str) -> list[Correction]:
    """What people said of the answer under any name, the oldest first; empty when the trace is gone."""
    if not trace_id:
        return []
    with translated(Message("Reading the trace")):
        found = traces.stored(workspace, trace_id)
    if found is None or found.info.experiment_id != workspace.app.experiment_id:
        return []
    return [
        Correction(
            one.name,
            one.value,  # type: ignore[arg-type]  # people give one value, never a list
            one.rationale or "",
            one.source.source_id or "",
            datetime.fromtimestamp((one.create_time_ms or 0) / 1000, UTC),
        )
        for one in trace_rows.opinions(found.info)
    ]


def give(workspace: "Workspace", trace_id: str, scorer: str, value: bool | float, why: str) -> None:
    """Record the actor's own verdict under the scorer's name; a reason is required, since judges are measured by it."""
    audit.require(workspace, Verb.CORRECT_JUDGE)
    why = why.strip()
    if not why or len(why) > LONGEST_WHY:
        raise InvalidInputError(
            Message("A verdict of your own needs a reason of at most {n} characters.", n=LONGEST_WHY),
            Message("Say in a sentence why the answer passes or not."),
        )
    found = traces.stored(workspace, trace_id) if trace_id else None
    if found is None or found.info.experiment_id != workspace.app.experiment_id:
        raise NotFoundError(Message("The answer's trace is gone."), Message("Evaluate again to judge a new answer."))
    line = audit.change(workspace, Verb.CORRECT_JUDGE, trace_id, after={"scorer": scorer, "value": value}, why=why)
    with line, translated(Message("Saving your verdict")):
        mlflow.log_feedback(
            trace_id=trace_id,
            name=scorer,
            value=value,
            rationale=why,
            source=AssessmentSource(AssessmentSourceType.HUMAN, workspace.actor.id),
        )
