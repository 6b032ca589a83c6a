"""What a person says of an answer, kept in MLflow as assessments in their name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import Assessment, AssessmentSource, AssessmentSourceType, TraceInfo
from mlflow.exceptions import MlflowException

from services.errors import is_missing
from services.reviews.records import Item, Kind, Label, Queue, Turn
from services.traces.rows import read_infos

if TYPE_CHECKING:
    from services.workspace import Workspace

QUEUE_KEY, SEAT_KEY, COMMENT_KEY = "signalbox.queue", "signalbox.seat", "signalbox.comment"
AGES = 24.0 * 365 * 50
AT_ONCE = 100


def log(
    workspace: "Workspace", queue: Queue, item: Item, seat: int, values: Mapping[str, Any], why: str
) -> dict[str, list[str]]:
    """Keep each value under its label's name and say which assessments they are.

    A referee's word takes the place of each opinion that differs from it, which MLflow then marks as overridden.
    """
    labels = {label.name: label for label in queue.labels}
    source = AssessmentSource(AssessmentSourceType.HUMAN, workspace.actor.id)
    noted = {QUEUE_KEY: str(queue.id), SEAT_KEY: str(seat)}
    made: dict[str, list[str]] = {}
    for name, value in values.items():
        given = {"trace_id": item.trace_id, "value": value, "source": source}
        wrong = _overruled(workspace, item, name, value) if seat > queue.seats else []
        if labels[name].kind is Kind.ANSWER:
            said = [mlflow.log_expectation(**given, name=name, metadata=noted | ({COMMENT_KEY: why} if why else {}))]
        elif wrong:
            told = given | {"rationale": why or None, "metadata": noted}
            said = [mlflow.override_feedback(**told, assessment_id=id) for id in wrong]
        else:
            said = [mlflow.log_feedback(**given, name=name, rationale=why or None, metadata=noted)]
        made[name] = [str(one.assessment_id) for one in said]
    return made


def remove(item: Item, ids: Iterable[str]) -> None:
    """Take assessments back; what they overrode counts again. Nothing is left to take back of a trace that is gone."""
    for id in ids:
        try:
            mlflow.delete_assessment(item.trace_id, id)
        except MlflowException as error:
            if not is_missing(error):
                raise


def named(turn: Turn) -> set[str]:
    """The assessments that a turn names."""
    return {id for ids in turn.marks.values() for id in ids}


def by(workspace: "Workspace", queue: Queue, item: Item) -> set[str]:
    """What this person said of the answer in this queue as MLflow has it, also what no turn names."""
    info = read(workspace, [item.trace_id]).get(item.trace_id)
    return {
        str(one.assessment_id)
        for one in (info.assessments if info else [])
        if one.source.source_type == AssessmentSourceType.HUMAN
        and one.source.source_id == workspace.actor.id
        and (one.metadata or {}).get(QUEUE_KEY) == str(queue.id)
    }


def read(workspace: "Workspace", trace_ids: Sequence[str]) -> dict[str, TraceInfo]:
    """What MLflow knows of these answers now, without their spans; those that are gone are left out."""
    found: dict[str, TraceInfo] = {}
    for start in range(0, len(trace_ids), AT_ONCE):
        listed = ", ".join(f"'{id}'" for id in trace_ids[start : start + AT_ONCE])
        words = f" AND trace.request_id IN ({listed})"
        found |= {info.trace_id: info for info in read_infos(workspace, AGES, AT_ONCE, words)}
    return found


def said(info: TraceInfo | None, turn: Turn | None) -> dict[str, Any]:
    """The values of one turn by label, also those that a referee overrode since."""
    if info is None or turn is None:
        return {}
    known = {str(one.assessment_id): one for one in info.assessments}
    found = {name: [known[id] for id in ids if id in known] for name, ids in turn.marks.items()}
    return {name: _value(ones[0]) for name, ones in found.items() if ones}


def whole(info: TraceInfo | None, turn: Turn | None) -> bool:
    """Whether everything that a turn names is there to be read."""
    return turn is not None and said(info, turn).keys() == turn.marks.keys()


def comment(info: TraceInfo | None, turn: Turn | None) -> str:
    """The words that somebody wrote beside what they said."""
    if info is None or turn is None:
        return ""
    ids = named(turn)
    for one in info.assessments:
        if str(one.assessment_id) in ids:
            return one.rationale or (one.metadata or {}).get(COMMENT_KEY, "")
    return ""


def differ(labels: Iterable[Label], one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Label]:
    """The labels on which two people do not say the same; free texts are never compared."""
    return [label for label in labels if label.compared and one.get(label.name) != other.get(label.name)]


def _overruled(workspace: "Workspace", item: Item, name: str, value: Any) -> list[str]:
    """The two reviewers' opinions under this name that say something else."""
    info = read(workspace, [item.trace_id]).get(item.trace_id)
    ids = {id for turn in item.turns if turn.seat in (1, 2) for id in turn.marks.get(name, ())}
    there = info.assessments if info else []
    known = [(str(one.assessment_id), one) for one in there]
    return [id for id, one in known if id in ids and one.feedback and _value(one) != value]


def _value(one: Assessment) -> Any:
    return one.feedback.value if one.feedback else one.expectation.value if one.expectation else None
