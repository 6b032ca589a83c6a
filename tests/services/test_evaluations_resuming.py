"""An evaluation that is killed goes on in the same run: nothing is asked or judged twice, every row counts once."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import mlflow
import pandas as pd
import pytest

from services import datasets, evaluations, jobs, scorers
from services.datasets import Row
from services.evaluations import Choice, plan
from services.evaluations.records import ASKED_TAG
from services.evaluations.table import SUMMARY_TAG
from services.jobs import Job, State
from services.processes.worker import Worker
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.services.test_evaluations import LENGTH, ready, until
from tests.stub_model import StubModel, stub_model

Finish = Callable[[Workspace, Job], Job]
QUESTIONS = [f"Where is parcel number {number}, which I ordered a week ago?" for number in range(1, 9)]
RIGHT = ScorerSpec("right", "guidelines", {"guidelines": ["The answer is right."]})
CHANGING = ["trace_id", "seconds"]
AT_ONCE = 4


@dataclass
class Model:
    """Counts the calls of the agent and of the judge apart; a judge's call waits until `judging` says so."""

    stub: StubModel
    judge_seconds: float = 0.0
    agent_calls: list[str] = field(default_factory=list)
    judge_calls: list[str] = field(default_factory=list)

    def answer(self, system: str, question: str) -> str:
        if "rationale" in question:
            self.judge_calls.append(question)
            time.sleep(self.judge_seconds)
            verdict = "no" if "number 3" in question else "yes"
            return json.dumps({"result": verdict, "rationale": "Because of the parcel."})
        if question == "Hello":  # the check of the judge
            return "Hello"
        self.agent_calls.append(question)
        return f"Thank you for your question. {question} It is on its way to you and arrives tomorrow."

    def reset(self) -> None:
        self.agent_calls.clear()
        self.judge_calls.clear()


@pytest.fixture
def model(environ: dict[str, str]) -> Iterator[Model]:
    with stub_model() as stub:
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "key", "SIGNALBOX_MODEL": "stub"}
        made = Model(stub)
        stub.answer = made.answer
        yield made


def prepared(workspace: Workspace, finish: Finish) -> tuple[str, str]:
    model_id, _ = ready(workspace, finish)
    scorers.remove(workspace, "polite")
    scorers.save(workspace, RIGHT)
    return model_id, datasets.create(workspace, "Parcels", [Row("", one) for one in QUESTIONS]).id


def test_a_killed_evaluation_goes_on_in_its_run(model: Model, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = prepared(workspace, finish)
    model.reset()
    whole = finish(workspace, evaluations.start(workspace, model_id, 1, dataset, repeats=2))
    assert whole.state is State.DONE, (whole.error, whole.remedy)
    lines = len(QUESTIONS) * 2
    assert (len(model.agent_calls), judged(model)) == (lines, lines)
    expected = table(workspace, whole.result["run_id"])
    assert expected["right"].eq(True).sum() == lines - 2

    for name, reached, slow_model, slow_judge in (
        ("while asking", lambda: len(model.agent_calls) >= 3, 0.4, 0.0),
        ("between asking and judging", lambda: len(model.judge_calls) >= 1, 0.0, 2.0),
        ("while judging", lambda: len(model.judge_calls) >= 9, 0.0, 0.4),
    ):
        model.reset()
        model.stub.seconds, model.judge_seconds = slow_model, slow_judge
        job = evaluations.start(workspace, model_id, 1, dataset, repeats=2)
        worker = Worker(workspace.settings)
        until(worker, reached, 120)
        worker.running[0].child.kill()
        model.stub.seconds = model.judge_seconds = 0.0
        until(worker, lambda job=job: not jobs.get(workspace, job.id).live, 120)

        ended = jobs.get(workspace, job.id)
        assert (ended.state, ended.attempt) == (State.DONE, 2), (name, ended.error)
        made = evaluations.get(workspace, ended.result["run_id"])
        pd.testing.assert_frame_equal(table(workspace, made.run_id), expected, obj=name)
        assert lines <= len(model.agent_calls) <= lines + AT_ONCE, name
        assert lines <= judged(model) <= lines + AT_ONCE, name
        once(workspace, made.run_id, lines)


def judged(model: Model) -> int:
    """Calls of the judge; the check before each attempt is no judgement."""
    return len(model.judge_calls)


def table(workspace: Workspace, run_id: str) -> pd.DataFrame:
    return evaluations.rows(workspace, run_id).drop(columns=CHANGING)


def once(workspace: Workspace, run_id: str, lines: int) -> None:
    """MLflow's numbers were logged once and cover every line; no line has a second trace."""
    found = workspace.client.get_run(run_id)
    rows = evaluations.rows(workspace, run_id)
    assert found.info.status == "FINISHED"
    for name in ("length", "right"):
        history = workspace.client.get_metric_history(run_id, f"{name}/mean")
        assert [one.value for one in history] == [pytest.approx(rows[name].astype(float).mean())], name
    traces = workspace.client.search_traces(locations=[workspace.app.experiment_id], run_id=run_id, max_results=200)
    assert len({trace.info.trace_id for trace in traces}) == lines == rows["trace_id"].nunique()
    given = [one.name for trace in traces for one in trace.info.assessments]
    assert given.count("right") == given.count("length") == lines


def test_a_cancelled_evaluation_says_how_far_it_came_and_goes_on(
    model: Model, workspace: Workspace, finish: Finish
) -> None:
    model_id, dataset = prepared(workspace, finish)
    model.stub.seconds = 0.4
    model.reset()
    job = evaluations.start(workspace, model_id, 1, dataset, scorer_names=["length"])
    worker = Worker(workspace.settings)
    until(worker, lambda: len(model.agent_calls) >= 3, 120)

    jobs.cancel(workspace, job.id)
    until(worker, lambda: not jobs.get(workspace, job.id).live, 60)

    stopped = evaluations.all(workspace)[0]
    came = evaluations.stopped_at(workspace, stopped.run_id)
    assert stopped.state == "KILLED" and came is not None and 0 < came.done < came.rows == len(QUESTIONS)

    model.stub.seconds = 0.0
    ended = finish(workspace, evaluations.go_on(workspace, stopped.run_id))
    assert ended.state is State.DONE and ended.result["run_id"] == stopped.run_id
    made = evaluations.get(workspace, stopped.run_id)
    assert made.finished and made.rows == len(QUESTIONS) and list(made.scores) == ["length"]
    assert len(QUESTIONS) <= len(model.agent_calls) <= len(QUESTIONS) + AT_ONCE


def test_a_run_cut_off_before_its_plan_says_what_it_asks_when_it_goes_on(
    model: Model, workspace: Workspace, finish: Finish
) -> None:
    model_id, dataset = prepared(workspace, finish)
    scorers.save(workspace, ScorerSpec("丁寧さ", "polite"))
    args = {"model_id": model_id, "prompt_version": 1, "dataset_id": dataset, "scorers": ["length", "丁寧さ"]}
    began = jobs.submit(workspace, "evaluate", args)
    jobs.cancel(workspace, began.id)
    asked = {
        "model_id": model_id, "prompt_name": "support", "requested_version": 1, "dataset_id": dataset,
        "dataset_name": "Parcels", "dataset_sha256": "before it was edited", "scorers": {"length": 9, "丁寧さ": 9},
        "practice": False, "actor": "ada", "job_id": began.id,
    }  # fmt: skip
    tags = {"signalbox.kind": "evaluation", ASKED_TAG: json.dumps(asked)}
    run_id = workspace.client.create_run(workspace.app.experiment_id, tags=tags).info.run_id
    workspace.client.set_terminated(run_id, "KILLED")

    ended = finish(workspace, evaluations.go_on(workspace, run_id))

    assert ended.state is State.DONE and ended.result["run_id"] == run_id, ended.error
    made = evaluations.get(workspace, run_id)
    assert made.dataset_sha256 == datasets.snapshot(workspace, dataset).sha256
    assert made.scorers == {"length": 1, "丁寧さ": 1}
    kept = workspace.client.get_run(run_id).data.tags
    assert "丁寧さ" in kept[ASKED_TAG] and "丁寧さ" in kept[SUMMARY_TAG], "escaped, it is six times as long"


def test_rows_are_chosen_and_asked_with_their_messages(model: Model, workspace: Workspace, finish: Finish) -> None:
    model_id, _ = prepared(workspace, finish)
    earlier = ({"role": "user", "content": "Good day"}, {"role": "assistant", "content": "Good day to you"})
    whole = Row("", "And my lamp?", topic="lamps", messages=(*earlier, {"role": "user", "content": "And my lamp?"}))
    rows = [Row("", one, topic="parcels") for one in QUESTIONS[:3]]
    dataset = datasets.create(workspace, "Mixed", [*rows, whole]).id

    run_id = finish(
        workspace,
        evaluations.start(workspace, model_id, 1, dataset, scorer_names=["length"], choice=Choice(topic="lamps")),
    ).result["run_id"]

    (line,) = evaluations.rows(workspace, run_id).to_dict("records")
    assert [one["content"] for one in json.loads(line["messages"])] == ["Good day", "Good day to you", "And my lamp?"]
    sent = [one["messages"] for one in model.stub.requests if one["messages"][-1]["content"] == "And my lamp?"]
    assert [message["content"] for message in sent[-1]][-3:] == ["Good day", "Good day to you", "And my lamp?"]
    assert (line["input_tokens"], line["output_tokens"]) == (7, 3)
    assert evaluations.get(workspace, run_id).dataset_sha256 != datasets.snapshot(workspace, dataset).sha256
    assert LENGTH.name in line


def test_the_plan_of_an_earlier_console_is_read_with_its_scorers(workspace: Workspace) -> None:
    first = scorers.save(workspace, RIGHT)
    scorers.save(workspace, LENGTH)
    row, whom = Row("r-1", QUESTIONS[0], expected_facts=("tomorrow",)), plan.Asked("agent", "m-1", 1)
    run_id = workspace.client.create_run(workspace.app.experiment_id).info.run_id
    earlier = {"slots": [[asdict(row), 2, ""]], "scorers": [["right", 1]]}
    mlflow.MlflowClient().log_text(run_id, json.dumps(earlier), plan.PLAN_FILE)

    found = plan.read(workspace, run_id, whom)
    assert found == plan.Plan((plan.Slot(row, 2),), (first,), whom)
    plan.keep(run_id, found)
    assert plan.read(workspace, run_id, plan.Asked("traces")) == found
