"""A large evaluation as a run on the emulated workspace, which installs the uploaded wheel and really runs it."""

import json
import sys

import pandas as pd
import pytest

from services import agents, datasets, evaluations, jobs, prompts, scorers
from services.agents import AgentForm
from services.datasets import Row
from services.errors import ConsoleError, PlatformError
from services.evaluations import remote
from services.evaluations.away import Away
from services.evaluations.plan import AWAY
from services.messages import Message
from services.platforms.compute import Run, RunState
from services.platforms.databricks.compute import ENVIRONMENTS
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.workspace.fixture import TOKEN, Emulator
from tests.workspace.support import adopt, at_work, sdk

pytest.importorskip("databricks.agents")
pytestmark = pytest.mark.skipif(
    sys.version_info[:2] not in ENVIRONMENTS, reason="a workspace has no compute with this Python, and the form says so"
)
SUBMIT = "/jobs/runs/submit"
CHANGING = ["trace_id", "seconds"]
REST = Away._rest


class Killed(BaseException):
    """What the job's child does not survive."""


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Ada's app with two scorers, in a process that stands for the job's child."""
    workspace = adopt(databricks_workspace)
    told = workspace.settings.model_environment | {"MLFLOW_EXPERIMENT_ID": workspace.app.experiment_id}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 5000}))
    scorers.save(workspace, ScorerSpec("kind", "guidelines", {"guidelines": ["The answer must be polite"]}))
    return workspace


@pytest.fixture
def order(app: Workspace) -> tuple[str, int, str]:
    """A logged agent, its prompt's version and a dataset of three questions."""
    version = prompts.save(app, "support", "You work for {{company_name}}. Question: {{question}}", "first").version
    agents.log(app, AgentForm("support-agent", "support", version, pinned=True, llm_model=app.app.model))
    model_id = at_work(app, agents.run)["model_id"]
    rows = [Row("", f"Where is parcel {number}?") for number in range(3)]
    return model_id, version, datasets.create(app, "Questions", rows).id


def test_a_run_on_the_workspace_makes_the_same_rows_and_numbers(databricks, app, order):
    evaluations.start(app, *order, repeats=2)
    here = evaluations.get(app, at_work(app, evaluations.run)["run_id"])
    evaluations.start(app, *order, repeats=2, where=AWAY)
    away = evaluations.get(app, at_work(app, evaluations.run)["run_id"])

    assert away.finished and away.scores == here.scores and away.mlflow == here.mlflow
    rows = [evaluations.rows(app, one.run_id).drop(columns=CHANGING) for one in (here, away)]
    pd.testing.assert_frame_equal(rows[1], rows[0])
    assert len(rows[0]) == 6 and away.page.endswith("?o=5099015744649857") and "/jobs/" in away.page
    asked = databricks.requests()
    assert [one["path"] for one in asked if one["template"] is None] == []
    assert "Answered" in app.client.get_run(away.run_id).data.tags[remote.SHOWN_TAG]
    assert [one["path"] for one in asked if TOKEN in json.dumps([one["query"], one["body"]])] == []


def failed(app, job):
    """The job ends as the worker would end it; returns the error."""
    with pytest.raises(ConsoleError) as error:
        at_work(app, evaluations.run)
    jobs.fail(app.engine, jobs.get(app, job.id), error.value)
    return error.value


def test_one_run_is_handed_over_followed_again_and_cancelled(databricks, app, order, monkeypatch):
    databricks.admin("POST", "/config", {"submitted_runs": "hold"})
    databricks.fault(SUBMIT, method="POST", status=503, times=1, after_execute=True)
    job = evaluations.start(app, *order, where=AWAY)
    assert evaluations.start(app, *order, where=AWAY).id == job.id

    def killed(attempt, seconds):
        raise Killed

    def cancelled(attempt, seconds):
        jobs.cancel(app, job.id)
        REST(attempt, seconds)

    monkeypatch.setattr(Away, "_rest", killed)
    with pytest.raises(Killed):
        at_work(app, evaluations.run)
    assert "Waiting for compute" in str(jobs.get(app, job.id).note)
    jobs.requeue(app.engine, jobs.get(app, job.id))
    monkeypatch.setattr(Away, "_rest", cancelled)
    with pytest.raises(jobs.Cancelled):
        at_work(app, evaluations.run)

    (run,) = sdk(app).jobs.list_runs()
    assert run.state.result_state.value == "CANCELED"
    (made,) = evaluations.all(app)
    assert (made.state, evaluations.stopped_at(app, made.run_id).rows) == ("KILLED", 3)
    assert jobs.get(app, job.id).checkpoint["page"] == made.page


def test_a_failed_run_is_told_and_only_what_has_ended_is_made_anew(databricks, app, order, monkeypatch):
    databricks.admin("POST", "/config", {"submitted_runs": "hold"})
    databricks.fault(SUBMIT, method="POST", status=500, times=1, after_execute=True)
    assert isinstance(failed(app, evaluations.start(app, *order, where=AWAY)), PlatformError)
    (made,), (run,) = evaluations.all(app), sdk(app).jobs.list_runs()

    def no_memory(attempt, seconds):
        databricks.admin("POST", f"/runs/{run.run_id}/end", {"result": "FAILED", "message": "no memory"})

    monkeypatch.setattr(Away, "_rest", no_memory)
    told = failed(app, evaluations.go_on(app, made.run_id))
    assert "no memory" in str(told.message) and "?o=5099015744649857" in str(told.remedy)
    assert [one.state for one in evaluations.all(app)] == ["FAILED"]
    assert [one.run_id for one in sdk(app).jobs.list_runs()] == [run.run_id]

    def unloadable(*_):
        raise PlatformError(Message("It cannot be loaded."))

    def by_itself(attempt, seconds):
        """What happens there, in this process: how far it is and why it ends travel by the MLflow run."""
        remote.Shown(app, made.run_id).progress(1, 3, Message("One of three."))
        attempt._show(Run(RunState.RUNNING, "RUNNING"))
        assert attempt.shown["done"] == 1
        monkeypatch.setattr(sys, "argv", ["evaluate", made.run_id])
        with monkeypatch.context() as there, pytest.raises(PlatformError):
            there.setattr(agents, "load", unloadable)
            remote.main()
        newest = max(sdk(app).jobs.list_runs(), key=lambda one: one.start_time)
        databricks.admin("POST", f"/runs/{newest.run_id}/end", {"result": "FAILED", "message": "Workload failed"})

    monkeypatch.setattr(Away, "_rest", by_itself)
    assert str(failed(app, evaluations.go_on(app, made.run_id)).message) == "It cannot be loaded."

    databricks.admin("POST", "/config", {"submitted_runs": "execute"})
    evaluations.go_on(app, made.run_id)
    monkeypatch.setattr(Away, "_rest", REST)
    assert at_work(app, evaluations.run)["run_id"] == made.run_id
    assert len(list(sdk(app).jobs.list_runs())) == 3 and evaluations.get(app, made.run_id).failed == 0
