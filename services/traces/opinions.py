"""What people think of an answer, kept with its trace beside the scorers' verdicts."""

from typing import TYPE_CHECKING

import mlflow
from mlflow.entities import AssessmentSource, AssessmentSourceType

from services import audit, traces
from services.audit import Verb
from services.errors import InvalidInputError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

OPINION = "helpful"
LONGEST_WHY = 2_000


def give(workspace: "Workspace", trace_id: str, helpful: bool, why: str = "") -> None:
    """Record whether an answer helped, in the actor's name; the newest opinion of a person counts.

    Waits for the trace of an answer given just now. Raises NotFoundError for a trace of another app.
    """
    audit.require(workspace, Verb.GIVE_FEEDBACK)
    if len(why) > LONGEST_WHY:
        raise InvalidInputError(
            Message("The reason has {n} characters; {limit} are allowed.", n=len(why), limit=LONGEST_WHY),
            Message("Shorten it."),
        )
    traces.await_story(workspace, trace_id)
    line = audit.change(workspace, Verb.GIVE_FEEDBACK, trace_id, after=helpful, why=why.strip())
    with line, translated(Message("Saving the feedback")):
        mlflow.log_feedback(
            trace_id=trace_id,
            name=OPINION,
            value=helpful,
            rationale=why.strip() or None,
            source=AssessmentSource(AssessmentSourceType.HUMAN, workspace.actor.id),
        )
