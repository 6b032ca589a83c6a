"""Scorers as an evaluation uses them: a score is stored the moment it is given, and never asked for twice."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import Trace, TraceState
from mlflow.genai.evaluation.entities import EvalItem, EvalResult
from mlflow.genai.evaluation.utils import add_scorer_metadata, standardize_scorer_value
from mlflow.genai.scorers import Scorer
from mlflow.genai.scorers.aggregation import compute_aggregated_metrics
from pydantic import PrivateAttr

from services import scorers
from services.apps.places import Places
from services.evaluations import table
from services.evaluations.patience import SECONDS_FOR_JUDGE
from services.evaluations.plan import Plan, Slot, messages_of
from services.evaluations.table import RUN_OF_ASSESSMENT
from services.evaluations.tally import Tally
from services.traces.story import outputs_of, request_of

if TYPE_CHECKING:
    from services.scorers import ScorerSpec
    from services.workspace import Workspace


class Watched(Scorer):
    """One scorer for one run. It stores what its inner scorer says itself and tells MLflow nothing, so that a cut-off
    attempt loses only the calls in flight; the run's numbers are taken from the stored scores at the end."""

    _inner: Scorer = PrivateAttr()
    _run_id: str = PrivateAttr("")
    _slots: Mapping[str, Slot] = PrivateAttr(default_factory=dict)
    _given: set[tuple[str, str]] = PrivateAttr(default_factory=set)
    _tally: Tally = PrivateAttr()
    _places: Places = PrivateAttr(default_factory=Places)

    def set_up(
        self,
        inner: Scorer,
        run_id: str,
        tally: Tally,
        slots: Mapping[str, Slot],
        given: set[tuple[str, str]],
        places: Places,
    ) -> "Watched":
        self._places = places
        self._inner, self._run_id, self._tally, self._slots, self._given = inner, run_id, tally, slots, given
        return self

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return self._inner.model_dump(**options)

    @property
    def scorer_version(self) -> int | None:
        """MLflow notes it with what it stores itself: the error of a scorer that raised."""
        return self.model_dump().get("version")

    def __call__(self, *, outputs: Any = None, trace: Trace | None = None) -> None:  # type: ignore[override]  # asks for less
        # What is tried for a row that failed, or was scored before, would be paid for and then thrown away.
        if trace is None or trace.info.state == TraceState.ERROR or (trace.info.trace_id, self.name) in self._given:
            return
        try:
            self._store(trace, self._ask(trace, outputs))
        finally:
            # Also what it could not say: only another attempt asks that again.
            self._given.add((trace.info.trace_id, self.name))
            self._tally.scored(trace.info.trace_id)

    def _ask(self, trace: Trace, outputs: Any) -> Any:
        slot = self._slots.get(trace.info.trace_id) or self._slots.get(table.line_of(trace))
        asked = {"input": messages_of(slot.row)} if slot and not slot.trace_id else request_of(trace, self._places)
        answer = outputs_of(trace, self._places) if self._places.answer else outputs
        expected = table.expectations(slot.row) if slot else {}
        return self._inner.run(inputs=asked, outputs=answer, expectations=expected, trace=trace)

    def _store(self, trace: Trace, value: Any) -> None:
        given = standardize_scorer_value(self.name, value)
        add_scorer_metadata(self._inner, given)
        root = trace.data.spans[0].span_id if trace.data.spans else None
        for one in given:
            one.trace_id, one.span_id = trace.info.trace_id, root
            one.metadata = {**(one.metadata or {}), RUN_OF_ASSESSMENT: self._run_id}
            mlflow.log_assessment(trace_id=trace.info.trace_id, assessment=one)


def build(
    workspace: "Workspace",
    run_id: str,
    plan: Plan,
    tally: Tally,
    slots: Mapping[str, Slot],
    given: set[tuple[str, str]],
) -> list[Scorer]:
    """The scorers for MLflow's harness; they leave no numbers of their own (`aggregations`)."""
    places = plan.asked.places
    return [
        Watched(name=spec.name, aggregations=[], timeout=0).set_up(
            _inner(spec, workspace), run_id, tally, slots, given, places
        )
        for spec in plan.specs
    ]


def given(traces: Iterable[Trace], run_id: str) -> set[tuple[str, str]]:
    """The scores that stand already: trace and scorer of every verdict that is not an error."""
    return {
        (trace.info.trace_id, one.name)
        for trace in traces
        for one in table.feedback_of(trace, run_id)
        if one.error is None
    }


def forget_errors(traces: Iterable[Trace], run_id: str) -> None:
    """Take back what scorers could not say in an attempt that was cut off: they are asked again."""
    for trace in traces:
        for one in table.feedback_of(trace, run_id):
            if one.error is not None and one.assessment_id:
                mlflow.delete_assessment(trace.info.trace_id, one.assessment_id)


def metrics(
    workspace: "Workspace", traces: Collection[Trace], run_id: str, specs: "Collection[ScorerSpec]"
) -> dict[str, float]:
    """MLflow's own numbers of the run (“name/mean”), by its own function, over every line once."""
    results = [EvalResult(EvalItem.from_trace(trace), list(table.feedback_of(trace, run_id))) for trace in traces]
    return compute_aggregated_metrics(results, [scorers.build(spec, workspace) for spec in specs])


def _inner(spec: "ScorerSpec", workspace: "Workspace") -> Scorer:
    built = scorers.build(spec, workspace)
    if scorers.needs_judge(spec):
        built.timeout = SECONDS_FOR_JUDGE
    return built
