"""The emulated workspace under MLflow's own client: scorers, datasets, archive, feedback, traces in Unity Catalog."""

import mlflow
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import CronSchedule, JobSettings, PauseStatus
from mlflow.entities import AssessmentSource, Feedback
from mlflow.entities.trace_location import UnityCatalog
from mlflow.exceptions import MlflowException
from mlflow.genai.datasets import create_dataset, get_dataset
from mlflow.genai.scorers import Guidelines, Safety, ScorerSamplingConfig, delete_scorer, get_scorer, list_scorers
from mlflow.tracing.archival import enable_databricks_trace_archival

from tests.workspace.sent import send

ALL = ScorerSamplingConfig(sample_rate=1.0)
TABLE = "acme.llmops.archive"


@pytest.fixture
def experiment(databricks_settings, databricks):
    """An experiment on the workspace, with MLflow turned towards it."""
    mlflow.set_tracking_uri("databricks")
    mlflow.set_registry_uri("databricks-uc")
    yield mlflow.set_experiment("/Shared/checks").experiment_id
    # What MLflow remembers for the whole process would lead the next test's traces here.
    mlflow.tracing.reset()
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def traced(answer: str) -> str:
    @mlflow.trace
    def reply(question: str) -> str:
        return answer

    reply("返金は?")
    mlflow.flush_trace_async_logging()
    return str(mlflow.get_last_active_trace_id())


def verdicts(databricks) -> list[str]:
    found = databricks.admin("GET", "/traces")["traces"]
    return sorted(one["assessment_name"] for trace in found for one in trace["info"].get("assessments", []))


def test_scorers_are_versioned_started_stopped_and_deleted(experiment):
    rate = ScorerSamplingConfig(sample_rate=0.4, filter_string="trace.status = 'OK'")
    started = Safety().register(experiment_id=experiment).start(experiment_id=experiment, sampling_config=rate)
    changed = started.update(experiment_id=experiment, sampling_config=ScorerSamplingConfig(sample_rate=0.8))
    assert (changed.sample_rate, changed.filter_string) == (0.8, "trace.status = 'OK'")
    assert changed.stop(experiment_id=experiment).sample_rate == 0
    Guidelines(name="tone", guidelines=["a"]).register(experiment_id=experiment)
    Guidelines(name="tone", guidelines=["b"]).register(experiment_id=experiment)
    assert get_scorer(name="tone", experiment_id=experiment, version=1).guidelines == ["a"]
    delete_scorer(name="tone", experiment_id=experiment)
    assert [one.name for one in list_scorers(experiment_id=experiment)] == ["safety"]


def test_no_more_than_twenty_scorers_fit(databricks, experiment):
    one = {"serialized_scorer": "{}", "builtin": {"name": "x"}, "sample_rate": 1}
    many = [one | {"name": f"s{number}"} for number in range(21)]
    at = f"/api/2.0/managed-evals/scheduled-scorers/{experiment}"
    assert send(databricks, "POST", at, {"scheduled_scorers": {"scorers": many}})[0] == 400
    assert send(databricks, "POST", at, {"scheduled_scorers": {"scorers": many[:20]}})[0] == 200


def test_running_scorers_judge_when_their_job_runs(databricks, experiment):
    Safety().register(experiment_id=experiment).start(experiment_id=experiment, sampling_config=ALL)
    traced("です")
    sdk = WorkspaceClient()
    job = next(iter(sdk.jobs.list(name=f"{experiment} Trace Metrics Computation Job")))
    schedule = sdk.jobs.get(job.job_id).settings.schedule
    paused = CronSchedule(schedule.quartz_cron_expression, schedule.timezone_id, PauseStatus.PAUSED)
    sdk.jobs.update(job.job_id, new_settings=JobSettings(schedule=paused))
    assert databricks.admin("POST", "/jobs/tick")["ran"] == []
    resumed = CronSchedule(schedule.quartz_cron_expression, schedule.timezone_id, PauseStatus.UNPAUSED)
    sdk.jobs.update(job.job_id, new_settings=JobSettings(schedule=resumed))
    databricks.admin("POST", "/jobs/tick")
    assert verdicts(databricks) == ["safety"]


def test_a_dataset_merges_rows_and_counts_versions(databricks, experiment):
    made = create_dataset(name="acme.llmops.rows", experiment_id=experiment)
    made.merge_records([{"inputs": {"q": "a"}, "expectations": {"expected_response": "x"}}, {"inputs": {"q": "b"}}])
    made.merge_records([{"inputs": {"q": "a"}, "expectations": {"expected_facts": ["y"]}}])
    assert len(get_dataset(name="acme.llmops.rows").to_df()) == 2
    assert len(made.list_versions()) == 3


def test_the_archive_comes_with_its_first_run(databricks, experiment):
    traced("はい")
    enable_databricks_trace_archival(delta_table_fullname=TABLE, experiment_id=experiment)
    with pytest.raises(Exception, match="already configured"):
        enable_databricks_trace_archival(delta_table_fullname=TABLE, experiment_id=experiment)
    assert TABLE not in databricks.state["tables"]
    databricks.admin("POST", "/jobs/tick")
    assert databricks.state["tables"][TABLE] == 1


def test_people_judge_correct_and_search_by_it(experiment):
    trace = traced("はい")
    source = AssessmentSource("HUMAN", "operator@example.com")
    given = mlflow.log_feedback(trace_id=trace, name="helpful", value=True, source=source)
    mlflow.update_assessment(trace, given.assessment_id, Feedback(name="helpful", value=False))
    found = mlflow.search_traces(
        locations=[experiment], filter_string="feedback.helpful = 'false'", return_type="list", include_spans=False
    )
    assert [one.info.trace_id for one in found] == [trace]


@pytest.mark.parametrize("old", ["endpoint_not_found", "locations_not_supported"])
def test_an_older_search_of_traces_answers_too(databricks, experiment, old):
    databricks.admin("POST", "/config", {"search_traces_v4": old})
    made = databricks.admin("POST", "/traces/generate", {"experiment_id": experiment, "n": 120})["trace_ids"]
    found = mlflow.search_traces(locations=[experiment], include_spans=False, max_results=500, return_type="list")
    assert {one.info.trace_id for one in found} == set(made)


def test_traces_may_live_in_unity_catalog(databricks, experiment, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACING_SQL_WAREHOUSE_ID", raising=False)
    place = UnityCatalog("acme", "llmops", "app")
    with pytest.raises(MlflowException, match="SQL warehouse ID is required"):
        mlflow.set_experiment("/Shared/uc", trace_location=place)
    monkeypatch.setenv("MLFLOW_TRACING_SQL_WAREHOUSE_ID", next(iter(WorkspaceClient().warehouses.list())).id)
    made = mlflow.set_experiment("/Shared/uc", trace_location=place)
    trace = traced("丁寧にお答えします")
    assert trace.startswith("trace:/acme.llmops.app/")
    assert len(mlflow.get_trace(trace).data.spans) == 1
    assert mlflow.search_traces(locations=[made.experiment_id], return_type="list") == []
