"""Questions from traces: the newest, some at random, those complained about, or whole conversations."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mlflow.entities import Expectation, Trace, TraceInfo

from services import traces
from services.datasets import shapes, stored
from services.datasets.row import LONGEST_QUESTION, Row, with_id
from services.errors import translated
from services.messages import Message
from services.traces.rows import opinions, read_infos, row_of
from services.traces.story import answer_of, inputs_of

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_READ = 5_000
MOST = 500
SESSION = "mlflow.trace.session"


class How(StrEnum):
    NEWEST = "newest"
    RANDOM = "random"
    SESSIONS = "sessions"


@dataclass(frozen=True)
class Choice:
    """Which traces; `text` is looked for in question and answer as the list of traces shows them.

    `complaint`: a person said that the answer did not help. `failed_scorer` failed the answer. `errors`: no answer.
    """

    how: How = How.NEWEST
    n: int = 20
    hours: float = 24.0 * 7
    text: str = ""
    complaint: bool = False
    errors: bool = False
    failed_scorer: str = ""
    live_only: bool = True
    seed: int = 1


@dataclass(frozen=True)
class Gathered:
    """A question with what was answered then, and when; the row remembers the trace."""

    row: Row
    answer: str
    at: int


@dataclass(frozen=True)
class Harvest:
    """What was found: `matching` traces or conversations, those that were taken, and whether older ones were read."""

    found: tuple[Gathered, ...]
    matching: int
    capped: bool


def gather(workspace: "Workspace", choice: Choice) -> Harvest:
    """The questions of the chosen traces, each request once; nothing is written."""
    infos = list(read_infos(workspace, choice.hours, MOST_READ, words=bool(choice.text.strip())))
    fitting = [info for info in infos if _fits(info, choice)]
    n = min(choice.n, MOST)
    if choice.how is How.SESSIONS:
        groups = _sessions(infos, fitting)
        found = [_conversation(workspace, group) for group in groups[:n]]
        matching = len(groups)
    else:
        taken = (
            random.Random(choice.seed).sample(fitting, min(n, len(fitting))) if choice.how is How.RANDOM else fitting
        )
        found = [_single(workspace, trace) for trace in _whole(workspace, taken[:n])]
        matching = len(fitting)
    kept = {one.row.id: one for one in reversed(found) if one and _usable(one.row)}
    return Harvest(tuple(reversed(kept.values())), matching, len(infos) >= MOST_READ)


def of_traces(workspace: "Workspace", trace_ids: Iterable[str]) -> list[Gathered]:
    """The questions of these traces, with the right answers that people noted; those that are gone are left out."""
    with translated(Message("Reading the traces")):
        read = (traces.stored(workspace, id) for id in trace_ids)
        found = [
            _single(workspace, trace)
            for trace in read
            if trace and trace.info.experiment_id == workspace.app.experiment_id
        ]
    return [one for one in found if one and _usable(one.row)]


def scorers_that_failed(workspace: "Workspace", hours: float) -> list[str]:
    """The scorers that failed an answer in this time, for a choice."""
    return sorted({name for info in read_infos(workspace, hours, MOST_READ) for name in row_of(info).failed})


def _fits(info: TraceInfo, choice: Choice) -> bool:
    row, text = row_of(info), choice.text.strip().casefold()
    return (
        row.finished
        and (not choice.live_only or row.origin == "live")
        and (not choice.errors or not row.ok)
        and (not choice.failed_scorer or choice.failed_scorer in row.failed)
        and (not choice.complaint or any(one.value is False for one in opinions(info)))
        and (text in row.question.casefold() or text in row.answer.casefold())
    )


def _sessions(infos: Iterable[TraceInfo], fitting: Iterable[TraceInfo]) -> list[list[TraceInfo]]:
    """The conversations with at least one fitting trace, the newest first, each with its traces in time order."""
    wanted = dict.fromkeys(info.trace_metadata[SESSION] for info in fitting if info.trace_metadata.get(SESSION))
    groups: dict[str, list[TraceInfo]] = {id: [] for id in wanted}
    for info in infos:
        if info.trace_metadata.get(SESSION) in groups:
            groups[info.trace_metadata[SESSION]].append(info)
    return [sorted(group, key=lambda info: info.request_time) for group in groups.values()]


def _whole(workspace: "Workspace", infos: Sequence[TraceInfo]) -> list[Trace]:
    """The traces with their spans; one that was deleted meanwhile, or has none, is left out."""
    with translated(Message("Reading the traces")):
        read = (traces.stored(workspace, info.trace_id) for info in infos)
        return [trace for trace in read if trace is not None]


def _single(workspace: "Workspace", trace: Trace) -> Gathered | None:
    asked = _asked(workspace, trace)
    if not asked:
        return None
    expected = {
        one.name: one.value for one in trace.info.assessments if isinstance(one, Expectation) and one.valid is not False
    }
    row = stored.row_of({"input": asked}, expected, {}, trace.info.trace_id)
    return Gathered(row, answer_of(trace, workspace.app.places), trace.info.request_time)


def _conversation(workspace: "Workspace", infos: Sequence[TraceInfo]) -> Gathered | None:
    """The whole conversation up to its last question, also when each request held only its own message."""
    read = [trace for trace in _whole(workspace, infos) if _asked(workspace, trace)]
    if not read:
        return None
    last = _single(workspace, read[-1])
    if last is None or last.row.messages:
        return last
    said: list[dict[str, str]] = []
    for trace in read[:-1]:
        answer = answer_of(trace, workspace.app.places)
        said += [*_asked(workspace, trace)[-1:], {"role": "assistant", "content": answer}]
    whole = stored.row_of({"input": [*said, *_asked(workspace, read[-1])]}, {}, {}, last.row.source)
    return Gathered(whole, last.answer, last.at)


def _asked(workspace: "Workspace", trace: Trace) -> list[dict[str, str]]:
    inputs = inputs_of(trace, workspace.app.places)
    if isinstance(inputs, dict):
        return shapes.messages(inputs) if inputs else []
    return shapes.messages({"input": inputs}) if inputs else []


def _usable(row: Row) -> bool:
    return bool(with_id(row).question.strip()) and len(row.question) <= LONGEST_QUESTION
