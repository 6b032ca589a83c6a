"""The emulated workspace's own checks: who may do what, what it refuses, and the faults it can play."""

import time

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.apps import App, AppDeployment
from databricks.sdk.service.jobs import RunLifeCycleState, SparkPythonTask, SubmitTask
from databricks.sdk.service.sql import StatementParameterListItem

from tests.workspace.fixture import VIEWER_TOKEN
from tests.workspace.sent import send

ME = "/api/2.0/preview/scim/v2/Me"
MLFLOW = "/api/2.0/mlflow"
UC = f"{MLFLOW}/unity-catalog"


@pytest.fixture
def sdk(databricks):
    return WorkspaceClient(host=databricks.url, token="dapi-test", auth_type="pat")


def test_only_known_credentials_open_it(databricks):
    databricks.admin("POST", "/tokens", {"user_name": "x@example.com", "token": "short", "ttl_s": -1})
    assert [send(databricks, "GET", ME, token=token)[0] for token in (None, "wrong", "short", "dapi-test")] == [
        401,
        403,
        403,
        200,
    ]
    assert send(databricks, "GET", "/api/2.0/nothing")[1]["error_code"] == "ENDPOINT_NOT_FOUND"


def test_faults_are_played_and_written_down(databricks, sdk):
    databricks.fault("/sql/warehouses", status=429, retry_after=1, times=1)
    databricks.deny("/serving-endpoints")
    assert len(list(sdk.warehouses.list())) == 1
    with pytest.raises(PermissionDenied):
        sdk.serving_endpoints.get("databricks-llama-4-maverick")
    assert [one["status"] for one in databricks.requests("warehouses")] == [429, 200]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/experiments/create", {"name": "demo"}, 400, "INVALID_PARAMETER_VALUE"),
        ("/experiments/create", {"name": "/Shared/no/such"}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("/experiments/create", {"name": "/Shared/x", "bogus": 1}, 400, "MALFORMED_REQUEST"),
        ("/experiments/create", {}, 400, "INVALID_PARAMETER_VALUE"),
        ("/runs/create", {"experiment_id": "123"}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("/unity-catalog/prompts", {"name": "two.levels", "prompt": {"name": "two.levels"}}, 400, None),
        ("/unity-catalog/prompts", {"name": "no.llmops.p", "prompt": {"name": "no.llmops.p"}}, 404, None),
        ("/unity-catalog/prompts", {"name": "acme.no.p", "prompt": {"name": "acme.no.p"}}, 404, None),
    ],
)
def test_what_a_workspace_would_refuse_is_refused(databricks, path, body, status, code):
    answer = send(databricks, "POST", MLFLOW + path, body)
    assert answer[0] == status
    assert code in (None, answer[1]["error_code"])


def test_a_viewer_needs_the_grant(databricks):
    prompt = {"name": "acme.llmops.q", "prompt": {"name": "acme.llmops.q"}}
    assert send(databricks, "POST", f"{UC}/prompts", prompt, VIEWER_TOKEN)[0] == 403
    granted = {"kind": "SCHEMA", "full_name": "acme.llmops", "principal": "viewer@example.com"}
    databricks.admin("POST", "/grants", granted | {"privileges": ["CREATE_FUNCTION"]})
    assert send(databricks, "POST", f"{UC}/prompts", prompt, VIEWER_TOKEN)[0] == 200
    assert send(databricks, "POST", f"{UC}/prompts", prompt, VIEWER_TOKEN)[0] == 409


def test_an_alias_needs_a_version_and_a_lawful_name(databricks):
    name, at = "acme.llmops.p", f"{UC}/prompts/acme.llmops.p"
    send(databricks, "POST", f"{UC}/prompts", {"name": name, "prompt": {"name": name}})
    version = {"name": name, "prompt_version": {"name": name, "template": '"hello {{x}}"'}}
    assert send(databricks, "POST", f"{at}/versions", version)[1]["version"] == "1"
    for alias, number, status in (("v1", "1", 400), ("production", "9", 404), ("production", "1", 200)):
        moved = {"name": name, "alias": alias, "version": number}
        assert send(databricks, "POST", f"{at}/aliases/{alias}", moved)[0] == status
    assert send(databricks, "DELETE", at)[0] == 400


def test_a_submitted_run_keeps_its_state(databricks, sdk):
    task = SubmitTask(task_key="evaluate", spark_python_task=SparkPythonTask(python_file="/Workspace/x.py"))
    run = sdk.jobs.submit(run_name="evaluation", tasks=[task], idempotency_token="once").response
    assert sdk.jobs.submit(run_name="evaluation", tasks=[task], idempotency_token="once").response.run_id == run.run_id
    assert sdk.jobs.get_run(run.run_id).state.life_cycle_state is RunLifeCycleState.RUNNING
    databricks.admin("POST", f"/runs/{run.run_id}/end", {"result": "FAILED", "message": "no memory"})
    ended = sdk.jobs.get_run(run.run_id)
    sdk.jobs.cancel_run(run.run_id)
    assert (ended.state.result_state.value, ended.state.state_message) == ("FAILED", "no memory")
    assert send(databricks, "POST", "/api/2.2/jobs/runs/submit", {"tasks": [{"task_key": "x"}]})[0] == 400


def test_sql_reads_what_a_running_warehouse_may(sdk):
    warehouse = next(iter(sdk.warehouses.list())).id

    def run(statement, **parameters):
        listed = [StatementParameterListItem(name=name, value=value) for name, value in parameters.items()]
        answer = sdk.statement_execution.execute_statement(statement, warehouse, parameters=listed)
        while answer.status.state.value in ("PENDING", "RUNNING"):
            time.sleep(0.05)
            answer = sdk.statement_execution.get_statement(answer.statement_id)
        return answer

    assert run("SELECT :a AS a, 1 + 1 AS two", a="x").result.data_array == [["x", "2"]]
    assert "TABLE_OR_VIEW_NOT_FOUND" in run("SELECT * FROM acme.llmops.none").status.error.message
    assert run("CREATE SCHEMA IF NOT EXISTS acme.new").status.state.value == "SUCCEEDED"
    assert run("DROP TABLE x").status.state.value == "FAILED"


def test_an_app_starts_and_is_deployed(databricks, sdk):
    databricks.admin("POST", "/config", {"deploy_seconds": 0.1})
    assert sdk.apps.create_and_wait(App(name="agent-app")).compute_status.state.value == "ACTIVE"
    deployed = sdk.apps.deploy_and_wait("agent-app", AppDeployment(source_code_path="/Workspace/Shared/app"))
    assert deployed.status.state.value == "SUCCEEDED"
