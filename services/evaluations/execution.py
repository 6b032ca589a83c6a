"""A plan carried out in its MLflow run: what has no answer is asked, what lacks a score is scored, the table is kept.

It needs MLflow and the plan alone, no database of the console, so that it is the same wherever it runs.
"""

import os
from collections.abc import Mapping, Sequence

import mlflow
from mlflow.entities import Trace

from services import scorers
from services.errors import PlatformError, translated
from services.evaluations import asking, leftovers, scoring, table, values
from services.evaluations.patience import patient_judges
from services.evaluations.plan import Plan, Slot
from services.evaluations.sources import AGENT, ENDPOINT, TRACES
from services.evaluations.tally import Hopeless, Shows, Tally
from services.messages import Message
from services.workspace import Workspace

ENVIRONMENT = {
    "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": "0",
    "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION": "true",
    "MLFLOW_GENAI_EVAL_MAX_WORKERS": "4",
    "MLFLOW_GENAI_EVAL_MAX_RETRIES": "0",
    "MLFLOW_GENAI_EVAL_ENABLE_SCORER_TRACING": "false",
}


class Execution:
    """One attempt at a plan, inside its run; the process is its own."""

    def __init__(self, workspace: Workspace, run_id: str, plan: Plan, shows: Shows) -> None:
        self.workspace, self.run_id, self.plan, self.asked = workspace, run_id, plan, plan.asked
        self.tally = Tally(shows, len(plan.slots), len(plan.specs), plan.asked.per_minute)
        self.values = {spec.name: values.of(spec) for spec in plan.specs}

    def begin(self) -> None:
        """Carry out a plan of which nothing is done yet, unless it is about answers that exist."""
        self._go(table.answers(self.workspace, self.run_id, self.plan) if self.asked.source == TRACES else {})

    def take_up(self, again: bool) -> None:
        """Mend what the attempt before left half done, and do the rest; with `again` what failed is asked again, too."""
        begun = self.workspace.client.get_run(self.run_id).info.start_time
        leftovers.name(self.workspace, begun, self.plan.rows)
        traces = table.answers(self.workspace, self.run_id, self.plan)
        scoring.forget_errors(traces.values(), self.run_id)
        failed = [trace.info.trace_id for trace in traces.values() if not table.answered(trace)]
        if failed and again and self.asked.source != TRACES:
            self.workspace.client.delete_traces(self.workspace.app.experiment_id, trace_ids=failed)
        self._go(table.answers(self.workspace, self.run_id, self.plan))

    def _go(self, traces: dict[tuple[str, int], Trace]) -> None:
        os.environ.update(ENVIRONMENT | {"MLFLOW_GENAI_EVAL_MAX_SCORER_WORKERS": str(self._scorers_at_once)})
        try:
            with patient_judges(self.tally.patience):
                self._keep(self._scored(traces))
        except Hopeless:
            raise _none_answered(self.tally.first_error) from None

    def _scored(self, traces: dict[tuple[str, int], Trace]) -> dict[tuple[str, int], Trace]:
        """The lines with an answer and a score each, as far as there are some."""
        given = scoring.given(traces.values(), self.run_id)
        self.tally.had(traces.values(), given)
        missing = [slot for slot in self.plan.slots if slot.key not in traces]
        if missing:
            with translated(Message("Evaluating")):
                self._ask(missing, given)
                mlflow.flush_trace_async_logging()
            traces = table.answers(self.workspace, self.run_id, self.plan)
        lacking = [trace for trace in traces.values() if self._lacks(trace, given)]
        if lacking:
            with translated(Message("Evaluating")):
                by_trace = {traces[slot.key].info.trace_id: slot for slot in self.plan.slots if slot.key in traces}
                built = scoring.build(self.workspace, self.run_id, self.plan, self.tally, by_trace, given)
                mlflow.genai.evaluate(data=lacking, scorers=built, model_id=self._model_id)
            traces = table.answers(self.workspace, self.run_id, self.plan)
        return traces

    @property
    def _model_id(self) -> str | None:
        return self.asked.model_id or None

    @property
    def _scorers_at_once(self) -> int:
        """Code checks side by side would only wait for each other's writes; judges are waited for together."""
        return max(1, sum(scorers.needs_judge(spec) for spec in self.plan.specs))

    @property
    def _practice_judged(self) -> bool:
        return self.workspace.settings.practice and any(scorers.needs_judge(spec) for spec in self.plan.specs)

    def _ask(self, slots: Sequence[Slot], given: set[tuple[str, str]]) -> None:
        if self.asked.source == ENDPOINT:
            asking.endpoint(self.workspace, self.run_id, slots, self.tally)
        elif self.asked.source == AGENT:
            by_line = {f"{slot.row.id}:{slot.repeat}": slot for slot in slots}
            built = scoring.build(self.workspace, self.run_id, self.plan, self.tally, by_line, given)
            asking.agent(self.workspace, self.asked.model_id, self.asked.prompt_version, slots, built, self.tally)

    def _lacks(self, trace: Trace, given: set[tuple[str, str]]) -> bool:
        names = [spec.name for spec in self.plan.specs]
        return table.answered(trace) and any((trace.info.trace_id, name) not in given for name in names)

    def _keep(self, traces: Mapping[tuple[str, int], Trace]) -> None:
        """Keep the rows and the run's numbers; an evaluation without one answer is an error."""
        with translated(Message("Reading the answers back")):
            rows = table.read(self.plan, traces, self.run_id, self.values, self.asked.prompt, self.asked.template)
            told = {
                "waits": self.tally.patience.waits,
                "loaded": table.loaded(traces.values()),
                "practice_answered": table.practice_answered(traces.values()),
                "practice_judged": self._practice_judged,
            }
            numbers = table.summary(rows, self.values) | told
        if numbers["failed"] == numbers["rows"]:
            raise _none_answered(str(rows["error"].iloc[0]))
        with translated(Message("Keeping the rows")):
            self._keep_metrics(list(traces.values()))
            table.keep(self.run_id, rows, numbers)

    def _keep_metrics(self, traces: list[Trace]) -> None:
        """Once: an attempt that was cut off right after this has kept them already."""
        if self.workspace.client.get_run(self.run_id).data.metrics:
            return
        metrics = scoring.metrics(self.workspace, traces, self.run_id, self.plan.specs)
        mlflow.log_metrics(metrics, model_id=self._model_id)


def _none_answered(reason: str) -> PlatformError:
    return PlatformError(
        Message("No question could be answered: {reason}", reason=reason),
        Message("Check that the model is running and the agent works: try one question on the Agents screen."),
        retryable=True,
    )
