"""Stored answers to try a scorer on: of an evaluation, or the newest ones that people got."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlflow.entities import Trace, TraceInfo
from mlflow.genai.scorers import Scorer

from services import datasets, evaluations, traces
from services.apps.places import Places
from services.errors import ConsoleError, NotReadyError
from services.evaluations import table
from services.messages import Message
from services.scorers.built import question_text
from services.traces.rows import read_infos
from services.traces.story import answer_of, outputs_of, request_of

if TYPE_CHECKING:
    from services.workspace import Workspace

RECENT = ""
HOURS = 24.0 * 30


@dataclass(frozen=True)
class Sample:
    """One answer as a scorer is given it; `expectations` is empty for an answer that nobody expected."""

    trace: Trace
    places: Places
    question: str
    answer: str
    expectations: Mapping[str, Any] = field(default_factory=dict)

    def judged_by(self, scorer: Scorer) -> Any:
        """What the scorer returns, as an evaluation and production get it."""
        return scorer.run(
            inputs=request_of(self.trace, self.places),
            outputs=outputs_of(self.trace, self.places),
            expectations=dict(self.expectations),
            trace=self.trace,
        )


def take(workspace: "Workspace", run_id: str, most: int) -> list[Sample]:
    """Up to `most` answers of an evaluation, of RECENT ones without a run; raises NotReadyError when there is none.

    An answer that was deleted for good is passed over, though its evaluation still has its row.
    """
    found = list(islice(_evaluated(workspace, run_id), most) if run_id else _recent(workspace, most))
    if not found:
        raise NotReadyError(
            Message("There are no answers to try it on."), Message("Run an evaluation, or try the agent first.")
        )
    return found


def of(workspace: "Workspace", infos: Iterable[TraceInfo]) -> Iterator[Sample | None]:
    """Each stored answer with what its row expected where an evaluation asked it; None for one without an answer, or gone."""
    expected: dict[str, dict[str, dict[str, Any]]] = {}
    for info in infos:
        trace, run_id = traces.stored(workspace, info.trace_id), info.trace_metadata.get("mlflow.sourceRun", "")
        if trace is None:
            yield None
            continue
        if run_id not in expected:
            expected[run_id] = _expected_in(workspace, run_id) if run_id else {}
        wanted = expected[run_id].get(info.tags.get(table.ROW_TAG, ""), {})
        sample = _sample(workspace, trace, wanted)
        yield sample if sample.answer else None


def _expected_in(workspace: "Workspace", run_id: str) -> dict[str, dict[str, Any]]:
    """What the rows of a run's dataset expect; nothing for a run that is no evaluation of ours."""
    try:
        return _expectations(workspace, evaluations.get(workspace, run_id).dataset_id)
    except ConsoleError:
        return {}


def _evaluated(workspace: "Workspace", run_id: str) -> Iterator[Sample]:
    made = evaluations.get(workspace, run_id)
    rows = evaluations.rows(workspace, run_id)
    answered = rows[(rows["state"] == "OK") & (rows["trace_id"] != "")].drop_duplicates("row_id")
    expected = _expectations(workspace, made.dataset_id)
    for one in answered.to_dict("records"):
        wanted = expected.get(one["row_id"], {"expected_response": one["expected"]} if one["expected"] else {})
        trace = traces.stored(workspace, one["trace_id"])
        if trace is not None:
            yield Sample(trace, workspace.app.places, str(one["question"]), str(one["answer"]), wanted)


def _expectations(workspace: "Workspace", dataset_id: str) -> dict[str, dict[str, Any]]:
    """What the rows expect by today's dataset; nothing when it is gone."""
    try:
        rows = datasets.whole_rows(workspace, dataset_id)
    except ConsoleError:
        return {}
    return {row.id: table.expectations(row) for row in rows}


def _recent(workspace: "Workspace", most: int) -> Iterator[Sample]:
    words = " AND metadata.`mlflow.sourceRun` IS NULL AND status = 'OK'"
    for info in read_infos(workspace, HOURS, most, words):
        trace = traces.stored(workspace, info.trace_id)
        sample = _sample(workspace, trace, {}) if trace else None
        if sample and sample.answer:
            yield sample


def _sample(workspace: "Workspace", trace: Trace, expectations: Mapping[str, Any]) -> Sample:
    places = workspace.app.places
    question = question_text(request_of(trace, places))
    return Sample(trace, places, question, answer_of(trace, places), expectations)
