"""The evaluation job: one MLflow run from its start to its end, however often the work was cut off in between."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mlflow

from services import agents, audit, datasets, prompts, scorers
from services.audit import Verb
from services.database import writing
from services.errors import NotReadyError, translated
from services.evaluations import plan, sources, table
from services.evaluations.away import Away
from services.evaluations.execution import Execution
from services.evaluations.plan import Asked, Plan, Slot
from services.evaluations.records import ASKED_TAG
from services.evaluations.sources import AGENT, ENDPOINT, TRACES, Source
from services.jobs import Cancelled
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Work
    from services.scorers import ScorerSpec
    from services.workspace import Workspace

# The names of runs in MLflow; they are not translated there.
OTHERS = {ENDPOINT: "endpoint", TRACES: "existing answers"}


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “evaluate”; its result is {"run_id": …}."""
    run_id = work.checkpoint.get("run_id") or work.args.get("run_id")
    if run_id and _finished(workspace, run_id):
        return {"run_id": run_id}
    return {"run_id": _Attempt(workspace, work).go(run_id)}


def _finished(workspace: "Workspace", run_id: str) -> bool:
    """Whether only the job's end was lost."""
    found = workspace.client.get_run(run_id)
    return bool(found.info.status == "FINISHED" and table.SUMMARY_TAG in found.data.tags)


class _Attempt:
    """One attempt of the job: it opens the run or goes on with it, and does what is missing."""

    def __init__(self, workspace: "Workspace", work: "Work") -> None:
        self.workspace, self.work = workspace, work
        self.source = Source(**work.args.get("source") or {})
        self.agent = agents.get(workspace, work.args["model_id"]) if self.source.kind == AGENT else None
        self.by_hand = "run_id" in work.args and "run_id" not in work.checkpoint

    def go(self, run_id: str | None) -> str:
        """Everything happens inside the run, so that it is called finished only when its rows are kept."""
        app = self.workspace.app
        asked = replace(self._whom(), question_at=app.question_at, answer_at=app.answer_at)
        made = plan.read(self.workspace, run_id, asked) if run_id else None
        specs = self._specs(made)
        id = self.work.args["dataset_id"] if made is None else ""
        dataset = datasets.snapshot(self.workspace, id) if id else None
        rows = plan.Choice(**self.work.args.get("choice") or {}).of(dataset.rows) if dataset else []
        whole = made or Plan(self._slots(rows), specs, asked)
        sha256 = plan.content(dataset, rows) if dataset else ""
        with audit.change(
            self.workspace, Verb.EVALUATE, self._subject, after={**self.work.args, "dataset_sha256": sha256}
        ):
            if run_id is None:
                run_id = self._open(sha256, specs)
            elif made is None:
                # Cut off before its plan was kept: what is asked now may not be what its label says.
                self.workspace.client.set_tag(run_id, ASKED_TAG, self._told(sha256, specs))
            self._within(run_id, whole, made is None)
        return run_id

    def _within(self, run_id: str, whole: Plan, new: bool) -> None:
        if self.work.args.get("where") == plan.AWAY:
            Away(self.workspace, self.work, run_id, whole).go(self.by_hand)
            return
        execution = Execution(self.workspace, run_id, whole, self.work)
        try:
            with mlflow.start_run(run_id=run_id):
                if new:
                    plan.keep(run_id, whole)
                    execution.begin()
                else:
                    self.work.save({"run_id": run_id})
                    execution.take_up(self.by_hand)
                with writing(self.workspace.engine) as connection:
                    self.work.fence(connection)
        except Cancelled:
            told = {"done": execution.tally.asked, "rows": len(whole.slots)}
            self.workspace.client.set_tag(run_id, table.STOPPED_TAG, json.dumps(told))
            self.workspace.client.set_terminated(run_id, "KILLED")
            raise

    def _specs(self, made: Plan | None) -> "tuple[ScorerSpec, ...]":
        """The scorers, with a judge that answers where one is needed."""
        specs = made.specs if made else tuple(plan.chosen(self.workspace, self.work.args.get("scorers")))
        if not specs:
            raise NotReadyError(
                Message("There are no scorers."),
                Message("Make one on the Scorers screen: it says what a good answer is."),
            )
        if any(scorers.needs_judge(spec) for spec in specs):
            self.work.progress(0, 0, Message("Asking the judge"))
            scorers.check_judge(self.workspace)
        self.work.progress(0, 0, Message("Loading the agent"))
        return specs

    def _whom(self) -> Asked:
        limit = self.work.args.get("per_minute")
        if self.agent is None:
            return Asked(self.source.kind, per_minute=limit)
        number, name = self.work.args["prompt_version"], self.agent.prompt_name
        if number is None:
            return Asked(AGENT, self.agent.model_id, per_minute=limit)
        template = prompts.version(self.workspace, name, number).source
        return Asked(AGENT, self.agent.model_id, number, self.workspace.full_name(name), template, limit)

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

    def _told(self, sha256: str, specs: "Sequence[ScorerSpec]") -> str:
        """What the run says of itself; MLflow cuts a tag after 8,000 characters."""
        args, settings, agent = self.work.args, self.workspace.settings, self.agent
        dataset = args["dataset_id"]
        told = {
            "model_id": agent.model_id if agent else "", "prompt_name": agent.prompt_name if agent and self._prompted else "",
            "requested_version": args["prompt_version"], "dataset_id": dataset,
            "dataset_name": datasets.get(self.workspace, dataset).name if dataset else "",
            "dataset_sha256": sha256, "scorers": {spec.name: spec.version for spec in specs},
            "practice": settings.practice, "actor": self.workspace.actor.id, "job_id": self.work.job.id,
            "repeats": int(args.get("repeats") or 1), "source": self.source.to_json(),
            "choice": args.get("choice") or {}, "per_minute": args.get("per_minute"), "live": sources.live(self.workspace) if self.source.kind == ENDPOINT else "",
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=False)

    def _open(self, sha256: str, specs: "Sequence[ScorerSpec]") -> str:
        """Create the run and remember it before anything else happens."""
        app, agent = self.workspace.app, self.agent
        tags = {"signalbox.kind": "evaluation", "signalbox.app": app.id, ASKED_TAG: self._told(sha256, specs)}
        name = f"{agent.name} · {agent.model_id}" if agent else f"{app.name} · {OTHERS[self.source.kind]}"
        if agent and self._prompted:
            name = f"{agent.name} · {agent.prompt_name} v{self.work.args['prompt_version']}"
        with translated(Message("Starting the evaluation")):
            run = self.workspace.client.create_run(app.experiment_id, tags=tags, run_name=name)
        self.work.save({"run_id": run.info.run_id})
        return str(run.info.run_id)
