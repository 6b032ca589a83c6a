"""What versions behind a workspace's endpoint are told: well, lacking, ignored, in plain text."""

from dataclasses import replace

import pytest
from databricks.sdk.service.serving import TrafficConfig

from services.errors import ForbiddenError, PlatformError
from services.platforms.databricks import changing, environment, served
from services.platforms.databricks.environment import Standing
from services.workspace import Workspace
from tests.workspace.fixture import Emulator
from tests.workspace.support import SCOPE, adopt, deploy, keep_secret, register, sdk

pytest.importorskip("databricks.agents")
KEY = "in-the-clear-0815"


@pytest.fixture
def databricks_environ(databricks_environ: dict[str, str]) -> dict[str, str]:
    return databricks_environ | {"SIGNALBOX_SECRET_SCOPE": SCOPE}


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """One version stands at the endpoint, told as the console tells it."""
    databricks.admin("POST", "/config", {"deploy_seconds": 0.1})
    workspace = adopt(databricks_workspace)
    keep_secret(workspace)
    register(workspace, monkeypatch, versions=1)
    deploy(workspace, 1)
    return workspace


def retell(app, **changes):
    """Change the environment as somebody in Databricks would; None takes a variable away."""
    now = sdk(app).serving_endpoints.get("support")
    (entity,) = served.kept(now)
    told = {name: value for name, value in {**entity.environment_vars, **changes}.items() if value is not None}
    traffic = TrafficConfig(routes=served.routes({entity.name: 100}))
    sdk(app).serving_endpoints.update_config(
        "support", served_entities=[replace(entity, environment_vars=told)], traffic_config=traffic
    )
    changing.settled(app.platform.serving.client, "support")


def lines(app):
    (told,) = environment.of(app)
    return {line.name: line for line in told.lines}


def standings(app):
    return {name: line.standing for name, line in lines(app).items() if line.standing is not Standing.SET}


def test_a_version_that_the_console_deployed_is_told_all_it_needs(databricks: Emulator, app: Workspace) -> None:
    before = len(databricks.requests())
    (told,) = environment.of(app)
    assert (told.version, told.weight, told.wrong) == (1, 100, ())
    assert len(databricks.requests()) == before + 1, "one request for a look"
    known = {line.name: line.shown for line in told.lines}
    assert known["DATABRICKS_TOKEN"] == "{{secrets/signalbox/databricks_token}}"
    assert known["MLFLOW_EXPERIMENT_ID"] == app.app.experiment_id


def test_what_is_missing_ignored_or_a_plain_key_is_named(app: Workspace) -> None:
    retell(
        app,
        ENABLE_MLFLOW_TRACING=None,
        MLFLOW_EXPERIMENT_ID="4711",
        MLFLOW_ENABLE_TRACING="true",
        MLFLOW_TRACE_BUFFER_TIMEOUT_SECONDS="5",
        MLFLOW_TRACE_BUFFER_TTL_SECONDS="5",
        MLFLOW_NO_SUCH_THING="1",
        SHOP_API_KEY=KEY,
        SHOP_URL="https://shop.example",
    )
    found = lines(app)
    assert standings(app) == {
        "SHOP_API_KEY": Standing.PLAIN,
        "ENABLE_MLFLOW_TRACING": Standing.MISSING,
        "MLFLOW_EXPERIMENT_ID": Standing.OTHER,
        "MLFLOW_ENABLE_TRACING": Standing.IGNORED,
        "MLFLOW_NO_SUCH_THING": Standing.IGNORED,
        "MLFLOW_TRACE_BUFFER_TIMEOUT_SECONDS": Standing.IGNORED,
    }
    assert "leaves no trace" in str(found["ENABLE_MLFLOW_TRACING"].why)
    assert "What is meant is ENABLE_MLFLOW_TRACING" in str(found["MLFLOW_ENABLE_TRACING"].mend)
    assert "MLFLOW_TRACE_BUFFER_TTL_SECONDS" in str(found["MLFLOW_TRACE_BUFFER_TIMEOUT_SECONDS"].mend)
    assert "experiment 4711" in str(found["MLFLOW_EXPERIMENT_ID"].why)
    assert KEY not in repr(environment.of(app)), "no value of a key leaves the service"
    assert "shop.example" not in repr(found["SHOP_URL"]), "nor what the console does not know"


def test_a_service_principal_signs_in_instead_of_a_token_but_not_beside_it(app: Workspace) -> None:
    principal = {"DATABRICKS_CLIENT_ID": "f3c0", "DATABRICKS_CLIENT_SECRET": "{{secrets/signalbox/databricks_token}}"}
    retell(app, **principal)
    assert standings(app) == {"DATABRICKS_TOKEN": Standing.CONFLICT}
    retell(app, DATABRICKS_TOKEN=None)
    assert standings(app) == {}
    retell(app, DATABRICKS_CLIENT_SECRET=None)
    assert standings(app) == {"DATABRICKS_TOKEN": Standing.MISSING}


def test_what_was_set_on_the_apps_screen_since_counts_from_the_next_deployment(app: Workspace) -> None:
    own = replace(app.app.environment, variables={"SHOP_URL": "https://shop.example"})
    later = app.for_app(replace(app.app, environment=own, prompt_cache_seconds=7))
    assert standings(later) == {
        "MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS": Standing.OTHER,
        "SHOP_URL": Standing.MISSING,
    }
    assert "“7”" in str(lines(later)["MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS"].why)
    retell(app, SHOP_API_KEY="{{secrets/signalbox/databricks_token}}")
    clear = app.for_app(replace(app.app, environment=replace(own, variables={"SHOP_API_KEY": KEY})))
    assert "“…”" in str(lines(clear)["SHOP_API_KEY"].why)


def test_without_an_endpoint_or_an_answer_nothing_is_claimed(databricks: Emulator, app: Workspace) -> None:
    nowhere = app.for_app(replace(app.app, endpoint="nowhere"))
    assert environment.of(nowhere) == []
    databricks.fault("/serving-endpoints/support", status=502, raw_body="<html>Bad gateway</html>", times=1)
    with pytest.raises(PlatformError) as away:
        environment.of(app)
    assert "<html>" not in str(away.value)
    databricks.deny("^/api/2.0/serving-endpoints")
    with pytest.raises(ForbiddenError):
        environment.of(app)
