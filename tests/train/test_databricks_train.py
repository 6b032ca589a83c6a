"""The release train on a Databricks workspace: the emulator answers the real SDKs, a real worker does the jobs.

The walk is the one that `tests/live` makes on a real workspace.
"""

import json

import pytest

from services import prompts
from services.platforms import Target
from services.workspace import Workspace
from tests.live import walk
from tests.live.walk import Stay
from tests.workspace.fixture import CATALOG, TOKEN, Emulator


@pytest.fixture
def stay(request: pytest.FixtureRequest) -> Stay:
    target = getattr(request, "param", Target.AGENT)
    principal = ("sp-client-id", "sp-client-secret") if target is Target.APP else None
    return Stay(CATALOG, TOKEN, seconds=300, pause=0.1, target=target, principal=principal)


@pytest.fixture
def databricks_environ(databricks_environ: dict[str, str], stay: Stay) -> dict[str, str]:
    signed = {name: value for name, value in databricks_environ.items() if name != "DATABRICKS_TOKEN"}
    return signed | stay.environ


def positions(requests, method, route):
    return [at for at, one in enumerate(requests) if (one["method"], one["template"]) == (method, route)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("stay", Target, indirect=True)
def test_prompt_to_production_and_back(databricks: Emulator, databricks_workspace: Workspace, stay: Stay) -> None:
    databricks.admin("POST", "/config", {"deploy_seconds": 0.3})
    before = databricks.kept
    with walk.visit(databricks_workspace, stay) as app:
        walk.prompt_to_production_and_back(app, stay)
        made = databricks.kept
    check_what_was_asked(databricks, stay)

    grown = {kind for kind, names in made.items() if names != before[kind]}
    served = "apps" if stay.target is Target.APP else "endpoints"
    kinds = {served, "experiments", "models", "prompts", "datasets", "scorers", "jobs", "tables"}
    assert grown >= kinds | {"schemas", "workspace", "secret_scopes"}
    of_agents = {"deployments", "review_apps"}
    assert grown & of_agents == (of_agents if stay.target is Target.AGENT else set())
    assert databricks.kept == before


def test_a_walk_that_breaks_takes_away_what_it_made_and_names_what_it_could_not(
    databricks: Emulator, databricks_workspace: Workspace, stay: Stay
) -> None:
    before = databricks.kept
    databricks.deny("/secrets/scopes/delete")
    with (
        pytest.raises(AssertionError, match=f"by hand what is still there: secret scope {stay.name}") as told,
        walk.visit(databricks_workspace, stay) as app,
    ):
        prompts.save(app, walk.APP, walk.POLITE, "polite")
        raise InterruptedError("in the middle")

    assert isinstance(told.value.__context__, InterruptedError)
    assert databricks.kept == before | {"secret_scopes": [stay.name]}


def check_what_was_asked(databricks: Emulator, stay: Stay) -> None:
    """Nothing outside what a workspace offers, no secret in clear, and scorers before anything is deployed."""
    asked = databricks.requests()
    assert [(one["method"], one["path"]) for one in asked if one["template"] is None] == []
    written = [one for one in asked if "/secrets/put" not in one["path"]]
    assert [one["path"] for one in written if TOKEN in json.dumps([one["query"], one["body"]])] == []
    assert positions(asked, "POST", "/api/2.0/agents/chat-assessments")
    started = positions(asked, "PATCH", "/api/2.0/managed-evals/scheduled-scorers/{eid}")
    assert min(started) < (check_apps if stay.target is Target.APP else check_endpoint)(asked, stay)


def check_apps(asked, stay: Stay) -> int:
    """Two apps; each version runs beside first. Returns where the first was made."""
    assert positions(asked, "POST", "/api/2.0/serving-endpoints") == []
    created = positions(asked, "POST", "/api/2.0/apps")
    endpoint = stay.made.endpoint
    assert [asked[at]["body"]["name"] for at in created] == [f"{endpoint}-next", endpoint]
    assert {
        (one["secret"]["scope"], one["secret"]["key"]) for at in created for one in asked[at]["body"]["resources"]
    } == {(stay.name, "databricks_token")}
    begun = [asked[at] for at in positions(asked, "POST", "/api/2.0/apps/{name}/deployments")]
    told = [(one["path"].split("/")[4], one["body"]["source_code_path"][-1]) for one in begun]
    beside = f"{endpoint}-next"
    assert told == [(beside, "1"), (endpoint, "1"), (beside, "2"), (endpoint, "2"), (beside, "1"), (endpoint, "1")]
    return created[0]


def check_endpoint(asked, stay: Stay) -> int:
    """One endpoint, changed in place. Returns where it was made."""
    created = positions(asked, "POST", "/api/2.0/serving-endpoints")
    assert len(created) == 1
    (entity,) = asked[created[0]]["body"]["config"]["served_entities"]
    assert entity["scale_to_zero_enabled"] and entity.get("workload_type", "CPU") == "CPU"
    environment = entity["environment_vars"]
    assert environment["ENABLE_MLFLOW_TRACING"] == "true" and environment["MLFLOW_EXPERIMENT_ID"]
    assert (
        environment["DATABRICKS_TOKEN"]
        == environment["OPENAI_API_KEY"]
        == f"{{{{secrets/{stay.name}/databricks_token}}}}"
    )
    changes = [asked[at]["body"] for at in positions(asked, "PUT", "/api/2.0/serving-endpoints/{name}/config")]
    routes = [body["traffic_config"]["routes"] for body in changes]
    shares = [{one["served_model_name"][-1]: one["traffic_percentage"] for one in each} for each in routes]
    assert shares == [{"1": 100, "2": 0}, {"2": 100, "1": 0}, {"1": 100, "2": 0}, {"1": 100}]
    return created[0]
