"""What people said in the Review App: assessments on the traces in their names, taken in for charts and health."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mlflow.entities import Assessment, AssessmentSourceType, TraceInfo

from services import audit
from services.audit import Verb
from services.errors import NotReadyError, translated
from services.messages import Message
from services.platforms.databricks.labeling import sessions
from services.platforms.databricks.labeling.sessions import Progress, Session
from services.readmodel.facts import SLOT_MS
from services.reviews import marks

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_WORDS = 9


@dataclass(frozen=True)
class Said:
    """What people said under one name on `answers` answers: how often each word, or the mean of numbers; texts count alone."""

    name: str
    answers: int
    words: tuple[tuple[str, int], ...]
    mean: float | None


def said(workspace: "Workspace", session: Session, progress: Progress) -> list[Said]:
    """Counted from the answers that were judged to the end; what nobody said yet is there with nothing."""
    with translated(Message("Reading what people said")):
        infos = list(marks.read(workspace, progress.judged).values())
    return [_counted(name, infos) for name in session.asks]


def taken(workspace: "Workspace", session: Session) -> frozenset[str]:
    """The traces whose answers were taken in."""
    done = (one for one in audit.of_verbs(workspace, [Verb.TAKE_LABELS]) if one.outcome == "done")
    return frozenset(id for one in done if one.after["session"] == session.id for id in one.after["traces"])


def take(workspace: "Workspace", id: str) -> int:
    """Let what people said count now, also on old answers; says on how many. Taking in twice changes nothing.

    It stands in MLflow already: what is noted is which traces to read again, since nobody finds them by their assessments.
    """
    session, progress = sessions.get(workspace, id)
    if not progress.judged:
        raise NotReadyError(
            Message("Nobody has judged an answer of {name} to the end yet.", name=session.name),
            Message("Send the people the link, and look again when they have begun."),
        )
    with audit.change(workspace, Verb.TAKE_LABELS, session.name) as change:
        infos = marks.read(workspace, progress.judged)
        slots = sorted({info.request_time // SLOT_MS for info in infos.values()})
        change.after = {"session": id, "traces": sorted(infos), "slots": slots}
    return len(infos)


def _counted(name: str, infos: Iterable[TraceInfo]) -> Said:
    given = [(info.trace_id, _value(one)) for info in infos for one in info.assessments if _by_people(one, name)]
    numbers = [float(value) for _, value in given if isinstance(value, int | float) and not isinstance(value, bool)]
    words = Counter(value for _, value in given if isinstance(value, str))
    # Words that hardly repeat are free text, which says nothing as a count.
    chosen = words.most_common() if len(words) <= MOST_WORDS and max(words.values(), default=0) > 1 else []
    return Said(name, len({id for id, _ in given}), tuple(chosen), fmean(numbers) if numbers else None)


def _by_people(one: Assessment, name: str) -> bool:
    human = one.source.source_type == AssessmentSourceType.HUMAN
    return human and one.name == name and one.valid is not False and one.error is None


def _value(one: Assessment) -> Any:
    return one.feedback.value if one.feedback else one.expectation.value if one.expectation else None
