"""Where in an experiment's newest traces a question or an answer could stand, and what stands there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlflow.entities import Trace

from services.apps.places import Places, Step, plain, steps, written
from services.traces.rows import each, root_of, row_of
from services.traces.story import told

if TYPE_CHECKING:
    from services.workspace import Workspace

NEWEST = 20
DEEPEST = 12
MOST_PLACES = 60
MOST_PARTS = 20


@dataclass(frozen=True)
class Place:
    """A place with the newest text that stands there, and in how many of the looked-at traces there is one."""

    path: str
    example: str
    traces: int

    @property
    def steps(self) -> tuple[Step, ...]:
        return steps(self.path)


@dataclass(frozen=True)
class Offered:
    """What the newest finished traces of an experiment hold: the places with most words come first."""

    traces: tuple[Trace, ...]
    questions: tuple[Place, ...]
    answers: tuple[Place, ...]

    def read(self, places: Places, most: int) -> list[tuple[str, str]]:
        """Question and answer of the newest `most` traces, as every screen would tell them."""
        stories = (told(trace, places) for trace in self.traces[:most])
        return [(story.question, story.answer) for story in stories]


def offered(workspace: "Workspace", experiment_id: str) -> Offered:
    """The places that occur in the newest NEWEST traces; empty where there are none with spans."""
    there = workspace.for_app(replace(workspace.app, experiment_id=experiment_id))
    found = [trace for trace in each(there, "timestamp_ms > 0", NEWEST, spans=True) if row_of(trace.info).finished]
    roots = {trace.info.trace_id: root for trace in found if (root := root_of(trace))}
    read = tuple(trace for trace in found if trace.info.trace_id in roots)
    questions = _places([root.inputs for root in roots.values()])
    return Offered(read, questions, _places([root.outputs for root in roots.values()]))


def _places(values: Sequence[Any]) -> tuple[Place, ...]:
    paths = dict.fromkeys(written(found) for value in values for found in islice(_leaves(value, ()), MOST_PLACES))
    texts = {path: [text for value in values if (text := Places(question=path).asked(value))] for path in paths}
    wordiest = sorted((path for path in texts if texts[path]), key=lambda path: -sum(map(len, texts[path])))
    return tuple(Place(path, texts[path][0], len(texts[path])) for path in wordiest[:MOST_PLACES])


def _leaves(value: Any, way: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """The ways to single values; into a list both to each part and, where there are several, to the last."""
    if len(way) > DEEPEST:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*way, str(name)))
    elif isinstance(value, list):
        for inner in value[:MOST_PARTS]:
            yield from _leaves(inner, (*way, None))
        if len(value) > 1 and all(isinstance(step, str) for step in way):
            yield from _leaves(value[-1], (*way, -1))
    elif plain(value):
        yield way
