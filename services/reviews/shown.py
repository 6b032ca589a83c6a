"""One answer as a reviewer reads it: what was said before, the question, what was looked up, the answer, the verdicts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow.entities import Assessment, Expectation, SpanType, Trace

from services import traces
from services.apps.places import Places
from services.datasets import shapes
from services.errors import NotFoundError, translated
from services.messages import Message
from services.reviews import marks
from services.reviews.marks import QUEUE_KEY
from services.reviews.records import DONE, REFEREE, Item, Queue
from services.traces.story import TraceStory, request_of, told

if TYPE_CHECKING:
    from services.workspace import Workspace

TEXT_NAMES = ("page_content", "content", "text")
SOURCE_NAMES = ("doc_uri", "source", "title", "name", "url")


@dataclass(frozen=True)
class Document:
    """Something that the agent looked up for the answer, and where it stands."""

    text: str
    source: str


@dataclass(frozen=True)
class Opinion:
    """What somebody said of the answer in this queue; nobody's name, so that a referee judges the matter."""

    said: dict[str, Any]
    comment: str


@dataclass(frozen=True)
class Shown:
    """Everything that is on the reviewer's screen about one answer."""

    story: TraceStory
    turns: tuple[tuple[str, str], ...]
    documents: tuple[Document, ...]
    expected: tuple[tuple[str, str], ...]
    mine: Opinion
    others: tuple[Opinion, ...] = field(default=())


def show(workspace: "Workspace", queue: Queue, item: Item) -> Shown:
    """Read one answer with its spans; raises NotFoundError when its trace is gone.

    What other reviewers said of it in this queue is left out, but for the referee who decides between them.
    """
    with translated(Message("Reading the trace")):
        trace = traces.stored(workspace, item.trace_id)
    if trace is None or trace.info.experiment_id != workspace.app.experiment_id:
        raise NotFoundError(Message("The answer's trace is gone."), Message("Skip it and say so, then go on."))
    mine, info = item.of(workspace.actor.id), trace.info
    known = Opinion(marks.said(info, mine), marks.comment(info, mine))
    referee = mine is not None and mine.seat == REFEREE
    seats = [item.at(seat) for seat in (1, 2)] if referee else []
    others = tuple(Opinion(marks.said(info, turn), marks.comment(info, turn)) for turn in seats)
    trace.info.assessments = [one for one in info.assessments if not _of_queue(one, queue)]
    story, turns = told(trace, workspace.app.places), _turns(trace, workspace.app.places)
    return Shown(story, tuple(turns), tuple(_documents(trace)), tuple(_expected(trace)), known, others)


def verdicts_hidden(queue: Queue, item: Item, actor: str) -> bool:
    """Whether the scorers' verdicts wait until this person has judged for themselves."""
    mine = item.of(actor)
    return queue.blind and (mine is None or mine.state != DONE)


def _of_queue(one: Assessment, queue: Queue) -> bool:
    return (one.metadata or {}).get(QUEUE_KEY) == str(queue.id)


def _turns(trace: Trace, places: Places) -> Iterable[tuple[str, str]]:
    """The messages of the request with who said them; empty when the trace has no spans any more."""
    asked = request_of(trace, places)
    found = shapes.messages(asked if isinstance(asked, dict) else {"input": asked}) if asked else []
    return ((one["role"], one["content"]) for one in found)


def _documents(trace: Trace) -> Iterable[Document]:
    """What retrievers gave back, each text once."""
    seen: set[str] = set()
    for span in trace.data.spans:
        outputs = span.outputs if span.span_type == SpanType.RETRIEVER else None
        for one in outputs if isinstance(outputs, list) else []:
            document = _document(one)
            if document.text and document.text not in seen:
                seen.add(document.text)
                yield document


def _document(one: Any) -> Document:
    if not isinstance(one, dict):
        return Document(shapes.text(one), "")
    noted = one.get("metadata")
    places = [noted, one] if isinstance(noted, dict) else [one]
    text = next((one[name] for name in TEXT_NAMES if one.get(name)), "")
    source = next((place[name] for name in SOURCE_NAMES for place in places if place.get(name)), "")
    return Document(shapes.text(text), str(source))


def _expected(trace: Trace) -> Iterable[tuple[str, str]]:
    """What a good answer says, by its name, when somebody noted it with the trace."""
    for one in trace.info.assessments:
        if isinstance(one, Expectation) and one.valid is not False and isinstance(one.value, str | int | float):
            yield one.name, str(one.value)
