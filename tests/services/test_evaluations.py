"""Evaluations: run in a child, read back from their traces, closed when they are cut off, honest about failures."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import mlflow
import pytest

from services import agents, datasets, evaluations, jobs, prompts, sample, scorers, traces, verdicts
from services.agents import AgentForm
from services.datasets import Row
from services.errors import ForbiddenError, InvalidInputError, NotFoundError, NotReadyError
from services.evaluations import Evaluation, leftovers, reading
from services.jobs import Job, State
from services.messages import render
from services.people import Actor, Role
from services.processes.worker import Worker
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.left_traces import leave
from tests.practice_server import practice_server
from tests.stub_model import StubModel, stub_model

Finish = Callable[[Workspace, Job], Job]
STUMBLING = """
import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse


class Stumbling(ResponsesAgent):
    def predict(self, request):
        if "Wi-Fi" in request.input[-1].content:
            raise ValueError("the cable is unplugged")
        text = "Thank you for your question, which is a good one; we will answer it as soon as we can."
        return ResponsesAgentResponse(output=[self.create_text_output_item(text=text, id="msg_1")])


mlflow.models.set_model(Stumbling())
"""
LENGTH = ScorerSpec("length", "length", {"shortest": 50, "longest": 500})
POLITE = ScorerSpec("polite", "polite")


@pytest.fixture
def practice(environ: dict[str, str]) -> Iterator[None]:
    with practice_server(int(environ["SIGNALBOX_GATEWAY_PORT"])):
        yield


@pytest.fixture
def stub(environ: dict[str, str]) -> Iterator[StubModel]:
    with stub_model() as model:
        environ |= {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "key", "SIGNALBOX_MODEL": "stub"}
        yield model


def ready(workspace: Workspace, finish: Finish, rows: int = 6, source: str | None = None) -> tuple[str, str]:
    """A logged agent with two prompt versions, scorers and a dataset: model id and dataset id."""
    for one in sample.app().prompts[:2]:
        prompts.save(workspace, "support", one.template, one.note)
    for spec in (LENGTH, POLITE):
        scorers.save(workspace, spec)
    form = AgentForm("support", "support", 1, False, workspace.settings.model, source)
    logged = finish(workspace, agents.log(workspace, form))
    assert logged.state is State.DONE, logged.error
    chosen = [Row(**asdict(row)) for row in sample.rows()[:: len(sample.rows()) // rows][:rows]]
    return logged.result["model_id"], datasets.create(workspace, "Questions", chosen).id


def evaluate(workspace: Workspace, finish: Finish, model_id: str, version: int | None, dataset: str) -> Evaluation:
    ended = finish(workspace, evaluations.start(workspace, model_id, version, dataset))
    assert ended.state is State.DONE, (ended.error, ended.remedy)
    return evaluations.get(workspace, ended.result["run_id"])


def test_an_evaluation_is_read_back_from_its_traces(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish)

    first = evaluate(workspace, finish, model_id, 1, dataset)
    second = evaluate(workspace, finish, model_id, 2, dataset)

    assert (first.prompt_version, second.prompt_version) == (1, 2)
    assert first.prompt_seen and first.practice and first.finished and first.loaded == ("support",)
    assert (first.practice_answered, first.practice_judged) == (True, False)
    assert first.dataset_sha256 == datasets.snapshot(workspace, dataset).sha256
    assert first.scorers == {"length": 1, "polite": 1}
    assert second.scores["length"].mean == 1.0
    assert second.scores["length"].rows == second.scores["length"].judged == 6
    assert [one.run_id for one in evaluations.all(workspace)] == [second.run_id, first.run_id]
    assert prompts.live(workspace, "support") is None


def test_the_rows_tell_question_answer_and_why(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish)

    rows = evaluations.rows(workspace, evaluate(workspace, finish, model_id, 2, dataset).run_id)

    assert list(rows["row_id"]) == [row.id for row in datasets.rows(workspace, dataset)]
    assert set(rows["state"]) == {"OK"} and set(rows["prompt_version"]) == {2}
    assert all(rows["answer"].str.len() > 50) and all(rows["length"].eq(True))
    assert rows["length.rationale"].str.contains("characters").all()
    trace = workspace.client.get_trace(rows["trace_id"].iloc[0])
    assert trace.info.tags["signalbox.origin"] == "evaluation"
    assert trace.info.tags["signalbox.row"] == rows["row_id"].iloc[0]


def test_two_evaluations_are_compared_row_by_row(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish, rows=40)
    runs = [evaluate(workspace, finish, model_id, version, dataset) for version in (1, 2)]

    verdict = verdicts.compare(
        *(evaluations.rows(workspace, one.run_id) for one in reversed(runs)), ["length", "polite"]
    )

    assert verdict.word == "better" and verdict.rows == 40 and verdict.new_critical == []


def test_failed_rows_count_as_failures(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, _ = ready(workspace, finish, source=STUMBLING)
    asked = [Row("", question) for question in ("Does the lamp need Wi-Fi?", "When is my parcel here?")]
    dataset = datasets.create(workspace, "Two", asked).id

    made = evaluate(workspace, finish, model_id, 1, dataset)

    failed, answered = evaluations.rows(workspace, made.run_id).to_dict("records")
    assert (made.rows, made.failed) == (2, 1)
    assert (failed["state"], failed["error"], failed["length"]) == ("ERROR", "the cable is unplugged", False)
    assert answered["length"] and answered["polite"]
    assert (made.scores["length"].mean, made.scores["length"].judged) == (0.5, 1)


def test_an_agent_that_ignores_its_prompt_is_found_out(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish, source=STUMBLING)

    made = evaluate(workspace, finish, model_id, 1, dataset)

    assert made.requested_version == 1
    assert made.prompt_version is None and not made.prompt_seen


@pytest.mark.parametrize("status", [429, 500])
def test_a_model_that_fails_is_said_so(stub: StubModel, workspace: Workspace, finish: Finish, status: int) -> None:
    model_id, dataset = ready(workspace, finish)
    stub.status, stub.retry_after = status, "0.01"

    ended = finish(workspace, evaluations.start(workspace, model_id, 1, dataset))

    assert ended.state is State.FAILED
    assert str(status) in str(ended.error) and ended.remedy is not None
    assert [one.state for one in evaluations.all(workspace)] == ["FAILED"]


def test_cancelling_closes_the_run(stub: StubModel, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish, rows=30)
    stub.seconds = 0.5
    job = evaluations.start(workspace, model_id, 1, dataset)
    worker = Worker(workspace.settings)
    until(worker, lambda: jobs.get(workspace, job.id).note is not None and bool(evaluations.all(workspace)))

    jobs.cancel(workspace, job.id)
    until(worker, lambda: not jobs.get(workspace, job.id).live)

    assert jobs.get(workspace, job.id).state is State.CANCELLED
    assert [one.state for one in evaluations.all(workspace)] == ["KILLED"]


def test_answers_that_a_killed_attempt_left_without_tags_do_not_pass_for_live(workspace: Workspace) -> None:
    begun = int(time.time() * 1000) - 1000
    bare, foreign = (bare_trace(workspace, question) for question in ("Where is my parcel?", "Somebody live?"))
    named = leave(workspace, "Where is my parcel?")

    assert leftovers.name(workspace, begun, [Row("", "Where is my parcel?")]) == 1

    origins = {row.trace_id: row.origin for row in traces.find(workspace, traces.TraceQuery(1, origin=None)).rows}
    assert origins == {bare: "evaluation", foreign: "live", named: "live"}


def bare_trace(workspace: Workspace, question: str) -> str:
    """Spans without what describes them, as a process leaves them that is killed between the two writes."""
    store = workspace.client._tracing_client.store
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "start_trace", lambda self, info: info)
        with mlflow.tracing.context(tags={"signalbox.origin": "evaluation"}):
            asked = {"input": [{"role": "user", "content": question}]}
            span = mlflow.start_span_no_context("predict", inputs=asked, experiment_id=workspace.app.experiment_id)
            span.end()
        mlflow.flush_trace_async_logging()
    return str(span.trace_id)


def test_the_same_evaluation_is_not_queued_twice(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish)

    twice = [evaluations.start(workspace, model_id, 1, dataset).id for _ in range(2)]

    assert twice[0] == twice[1]


def test_a_dead_judge_is_an_error_at_once(stub: StubModel, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish)
    scorers.save(workspace, ScorerSpec("right", "guidelines", {"guidelines": ["The answer is right."]}))
    stub.status = 500

    begun = time.monotonic()
    ended = finish(workspace, evaluations.start(workspace, model_id, 1, dataset))

    assert ended.state is State.FAILED and "judge" in str(ended.error)
    assert time.monotonic() - begun < 60, "MLflow alone would wait three minutes a row"
    assert evaluations.all(workspace) == []


def test_the_practice_judge_refuses_instead_of_guessing(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish)
    scorers.save(workspace, ScorerSpec("right", "guidelines", {"guidelines": ["The answer is right."]}))
    scorers.save(workspace, ScorerSpec("courteous", "guidelines", {"guidelines": ["The answer must be polite"]}))

    made = evaluate(workspace, finish, model_id, 2, dataset)

    rows = evaluations.rows(workspace, made.run_id)
    assert made.scores["right"].judged == 0 and made.scores["right"].mean == 0 and made.practice_judged
    assert rows["right.rationale"].str.contains("practice model cannot judge").all()
    first = rows.iloc[0].to_dict()
    assert render(reading.reason(first, "right"), "ja") == "スコアラーがエラーで失敗しました。"
    assert "practice model cannot judge" in reading.own_words(first, "right")
    assert reading.own_words(first, "courteous") == "" and reading.own_words(first, "length") == ""
    assert made.scores["courteous"].judged == 6 and made.scores["courteous"].mean == 1.0


def test_what_is_missing_is_said_before_anything_runs(practice: None, workspace: Workspace, finish: Finish) -> None:
    model_id, dataset = ready(workspace, finish)
    with pytest.raises(InvalidInputError, match="live"):
        evaluations.start(workspace, model_id, None, dataset)
    with pytest.raises(NotFoundError):
        evaluations.start(workspace, model_id, 99, dataset)
    with pytest.raises(NotFoundError):
        evaluations.start(workspace, model_id, 1, "d-unknown")
    for spec in scorers.all(workspace):
        scorers.remove(workspace, spec.name)
    with pytest.raises(NotReadyError, match="no scorers"):
        evaluations.start(workspace, model_id, 1, dataset)


def test_a_viewer_may_not_evaluate(workspace: Workspace) -> None:
    viewer = Workspace(workspace.platform, Actor("vera", frozenset({Role.VIEWER})), workspace.app)

    with pytest.raises(ForbiddenError):
        evaluations.start(viewer, "m-1", 1, "d-1")


def test_unknown_and_foreign_runs_are_not_found(workspace: Workspace) -> None:
    foreign = workspace.client.create_run(workspace.app.experiment_id).info.run_id
    for run_id in ("nothing", foreign):
        with pytest.raises(NotFoundError):
            evaluations.get(workspace, run_id)


def until(worker: Worker, done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        worker.work()
        time.sleep(0.05)
