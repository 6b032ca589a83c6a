"""The evaluation job: one MLflow run from its start to its end, however often the work was cut off in between."""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import Trace

from services import agents, audit, datasets, prompts, scorers
from services.audit import Verb
from services.database import writing
from services.errors import NotReadyError, PlatformError, translated
from services.evaluations import asking, leftovers, plan, scoring, sources, table, values
from services.evaluations.patience import patient_judges
from services.evaluations.plan import Plan, Slot
from services.evaluations.records import ASKED_TAG
from services.evaluations.sources import AGENT, ENDPOINT, TRACES, Source
from services.evaluations.tally import Hopeless, Tally
from services.jobs import Cancelled
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Work
    from services.scorers import ScorerSpec
    from services.workspace import Workspace

ENVIRONMENT = {
    "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": "0",
    "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION": "true",
    "MLFLOW_GENAI_EVAL_MAX_WORKERS": "4",
    "MLFLOW_GENAI_EVAL_MAX_RETRIES": "0",
    "MLFLOW_GENAI_EVAL_ENABLE_SCORER_TRACING": "false",
}

# The names of runs in MLflow; they are not translated there.
OTHERS = {ENDPOINT: "endpoint", TRACES: "existing answers"}


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “evaluate”; its result is {"run_id": …}."""
    run_id = work.checkpoint.get("run_id") or work.args.get("run_id")
    if run_id and _finished(workspace, run_id):
        return {"run_id": run_id}
    made = plan.read(workspace, run_id) if run_id else None
    specs = made.specs(workspace) if made else plan.chosen(workspace, work.args.get("scorers"))
    if not specs:
        raise NotReadyError(
            Message("There are no scorers."), Message("Make one on the Scorers screen: it says what a good answer is.")
        )
    if any(scorers.needs_judge(spec) for spec in specs):
        work.progress(0, 0, Message("Asking the judge"))
        scorers.check_judge(workspace)
    work.progress(0, 0, Message("Loading the agent"))
    return {"run_id": _Attempt(workspace, work, specs).go(run_id, made)}


def _finished(workspace: "Workspace", run_id: str) -> bool:
    """Whether only the job's end was lost."""
    found = workspace.client.get_run(run_id)
    return bool(found.info.status == "FINISHED" and table.SUMMARY_TAG in found.data.tags)


class _Attempt:
    """One attempt of the job: it opens the run or goes on with it, and does what is missing."""

    def __init__(self, workspace: "Workspace", work: "Work", specs: "Sequence[ScorerSpec]") -> None:
        self.workspace, self.work, self.specs = workspace, work, specs
        self.source = Source(**work.args.get("source") or {})
        self.agent = agents.get(workspace, work.args["model_id"]) if self.source.kind == AGENT else None
        self.by_hand = "run_id" in work.args and "run_id" not in work.checkpoint
        self.values = {spec.name: values.of(spec) for spec in specs}

    def go(self, run_id: str | None, made: Plan | None) -> str:
        """Everything happens inside the run, so that it is called finished only when its rows are kept."""
        id = self.work.args["dataset_id"] if made is None else ""
        dataset = datasets.snapshot(self.workspace, id) if id else None
        rows = plan.Choice(**self.work.args.get("choice") or {}).of(dataset.rows) if dataset else []
        whole = made or Plan(self._slots(rows), tuple((spec.name, spec.version) for spec in self.specs))
        sha256 = plan.content(dataset, rows) if dataset else ""
        with audit.change(
            self.workspace, Verb.EVALUATE, self._subject, after={**self.work.args, "dataset_sha256": sha256}
        ):
            if run_id is None:
                run_id = self._open(sha256)
            elif made is None:
                # Cut off before its plan was kept: what is asked now may not be what its label says.
                self.workspace.client.set_tag(run_id, ASKED_TAG, self._asked(sha256))
            self._within(run_id, whole, made is None)
        return run_id

    def _within(self, run_id: str, whole: Plan, new: bool) -> None:
        tally = Tally(self.work, len(whole.slots), len(self.specs), self.work.args.get("per_minute"))
        try:
            with mlflow.start_run(run_id=run_id), patient_judges(tally.patience):
                if new:
                    plan.keep(run_id, whole)
                else:
                    self._take_up(run_id, whole)
                    self.work.save({"run_id": run_id})
                # Of what begins now nothing can be there yet, unless it is about answers that exist.
                begun = {} if new and self.source.kind != TRACES else table.answers(self.workspace, run_id, whole)
                self._evaluate(run_id, whole, tally, begun)
        except Hopeless:
            raise _none_answered(tally.first_error) from None
        except Cancelled:
            told = {"done": tally.asked, "rows": len(whole.slots)}
            self.workspace.client.set_tag(run_id, table.STOPPED_TAG, json.dumps(told))
            self.workspace.client.set_terminated(run_id, "KILLED")
            raise

    @property
    def _model_id(self) -> str | None:
        return self.agent.model_id if self.agent else None

    @property
    def _prompted(self) -> bool:
        """Whether the agent is asked with a prompt version of the app; other agents have their instructions inside."""
        return self.agent is not None and self.work.args["prompt_version"] is not None

    @property
    def _subject(self) -> str:
        return self.agent.name if self.agent else self.workspace.app.endpoint

    def _slots(self, rows: Sequence[datasets.Row]) -> tuple[Slot, ...]:
        if self.source.kind == TRACES:
            with translated(Message("Reading the answers that exist")):
                return sources.slots(self.workspace, self.source)
        return plan.repeated(rows, int(self.work.args.get("repeats") or 1))

    def _asked(self, sha256: str) -> str:
        """What the run says of itself; MLflow cuts a tag after 8,000 characters."""
        args, settings, agent = self.work.args, self.workspace.settings, self.agent
        dataset = args["dataset_id"]
        asked = {
            "model_id": agent.model_id if agent else "", "prompt_name": agent.prompt_name if agent and self._prompted else "",
            "requested_version": args["prompt_version"], "dataset_id": dataset,
            "dataset_name": datasets.get(self.workspace, dataset).name if dataset else "",
            "dataset_sha256": sha256, "scorers": {spec.name: spec.version for spec in self.specs},
            "practice": settings.practice, "actor": self.workspace.actor.id, "job_id": self.work.job.id,
            "repeats": int(args.get("repeats") or 1), "source": self.source.to_json(),
            "choice": args.get("choice") or {}, "per_minute": args.get("per_minute"), "live": sources.live(self.workspace) if self.source.kind == ENDPOINT else "",
        }  # fmt: skip
        return json.dumps(asked, ensure_ascii=False)

    def _open(self, sha256: str) -> str:
        """Create the run and remember it before anything else happens."""
        app, agent = self.workspace.app, self.agent
        tags = {"signalbox.kind": "evaluation", "signalbox.app": app.id, ASKED_TAG: self._asked(sha256)}
        name = f"{agent.name} · {agent.model_id}" if agent else f"{app.name} · {OTHERS[self.source.kind]}"
        if agent and self._prompted:
            name = f"{agent.name} · {agent.prompt_name} v{self.work.args['prompt_version']}"
        with translated(Message("Starting the evaluation")):
            run = self.workspace.client.create_run(app.experiment_id, tags=tags, run_name=name)
        self.work.save({"run_id": run.info.run_id})
        return str(run.info.run_id)

    def _take_up(self, run_id: str, whole: Plan) -> None:
        """Mend what the attempt before left half done; who goes on by hand wants what failed asked again, too."""
        begun = self.workspace.client.get_run(run_id).info.start_time
        leftovers.name(self.workspace, begun, whole.rows)
        traces = table.answers(self.workspace, run_id, whole)
        scoring.forget_errors(traces.values(), run_id)
        failed = [trace.info.trace_id for trace in traces.values() if not table.answered(trace)]
        if failed and self.by_hand and self.source.kind != TRACES:
            self.workspace.client.delete_traces(self.workspace.app.experiment_id, trace_ids=failed)

    def _evaluate(self, run_id: str, whole: Plan, tally: Tally, traces: dict[tuple[str, int], Trace]) -> None:
        """Ask what has no answer, score what lacks a score, then make the table of everything."""
        os.environ.update(ENVIRONMENT | {"MLFLOW_GENAI_EVAL_MAX_SCORER_WORKERS": str(self._scorers_at_once)})
        given = scoring.given(traces.values(), run_id)
        tally.had(traces.values(), given)
        missing = [slot for slot in whole.slots if slot.key not in traces]
        if missing:
            with translated(Message("Evaluating")):
                self._ask(run_id, missing, tally, given)
                mlflow.flush_trace_async_logging()
            traces = table.answers(self.workspace, run_id, whole)
        lacking = [trace for trace in traces.values() if self._lacks(trace, given)]
        if lacking:
            with translated(Message("Evaluating")):
                by_trace = {traces[slot.key].info.trace_id: slot for slot in whole.slots if slot.key in traces}
                built = scoring.build(self.workspace, run_id, self.specs, tally, by_trace, given)
                mlflow.genai.evaluate(data=lacking, scorers=built, model_id=self._model_id)
            traces = table.answers(self.workspace, run_id, whole)
        self._finish(run_id, whole, traces, tally.patience.waits)

    @property
    def _scorers_at_once(self) -> int:
        """Code checks side by side would only wait for each other's writes; judges are waited for together."""
        return max(1, sum(scorers.needs_judge(spec) for spec in self.specs))

    def _ask(self, run_id: str, slots: Sequence[Slot], tally: Tally, given: set[tuple[str, str]]) -> None:
        if self.source.kind == ENDPOINT:
            asking.endpoint(self.workspace, run_id, slots, tally)
        elif self.agent:
            by_line = {f"{slot.row.id}:{slot.repeat}": slot for slot in slots}
            built = scoring.build(self.workspace, run_id, self.specs, tally, by_line, given)
            asking.agent(self.workspace, self.agent.model_id, self.work.args["prompt_version"], slots, built, tally)

    def _lacks(self, trace: Trace, given: set[tuple[str, str]]) -> bool:
        names = [spec.name for spec in self.specs]
        return table.answered(trace) and any((trace.info.trace_id, name) not in given for name in names)

    def _finish(self, run_id: str, whole: Plan, traces: dict[tuple[str, int], Trace], waits: int) -> None:
        """Keep the rows and the run's numbers; an evaluation without one answer is an error."""
        name, template = "", ""
        if self.agent and self._prompted:
            found = prompts.version(self.workspace, self.agent.prompt_name, self.work.args["prompt_version"])
            name, template = self.workspace.full_name(self.agent.prompt_name), found.source
        with translated(Message("Reading the answers back")):
            rows = table.read(whole, traces, run_id, self.values, name, template)
            numbers = table.summary(rows, self.values) | {"waits": waits, "loaded": table.loaded(traces.values())}
        if numbers["failed"] == numbers["rows"]:
            raise _none_answered(str(rows["error"].iloc[0]))
        with translated(Message("Keeping the rows")):
            self._keep_metrics(run_id, list(traces.values()))
            table.keep(run_id, rows, numbers)
        with writing(self.workspace.engine) as connection:
            self.work.fence(connection)

    def _keep_metrics(self, run_id: str, traces: list[Trace]) -> None:
        """Once: an attempt that was cut off right after this has kept them already."""
        if self.workspace.client.get_run(run_id).data.metrics:
            return
        metrics = scoring.metrics(self.workspace, traces, run_id, self.specs)
        mlflow.log_metrics(metrics, model_id=self._model_id)


def _none_answered(reason: str) -> PlatformError:
    return PlatformError(
        Message("No question could be answered: {reason}", reason=reason),
        Message("Check that the model is running and the agent works: try one question on the Agents screen."),
        retryable=True,
    )
