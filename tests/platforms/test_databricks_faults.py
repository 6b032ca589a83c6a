"""What goes wrong on a workspace now and then: nothing is lost or doubled, and each has its sentence."""

import pytest
from databricks.sdk.service.serving import EndpointCoreConfigInput, ServedEntityInput, TrafficConfig

from services import agents, datasets, prompts, scorers
from services.datasets import Row
from services.errors import ConflictError, ConsoleError
from services.platforms import MonitoredScorer, ServedState
from services.platforms.databricks import archiving, changing, environment, schedule, served
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.workspace.fixture import Emulator
from tests.workspace.support import MODEL, SCOPE, adopt, deploy, keep_secret, register, sdk

pytest.importorskip("databricks.agents")
MOST = changing.MOST_VERSIONS
PAGE = "<html><body>Sign in to the company network</body></html>"
HELLO = {"input": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def databricks_environ(databricks_environ: dict[str, str]) -> dict[str, str]:
    return databricks_environ | {"SIGNALBOX_SECRET_SCOPE": SCOPE}


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace) -> Workspace:
    databricks.admin("POST", "/config", {"deploy_seconds": 0.1})
    workspace = adopt(databricks_workspace)
    keep_secret(workspace)
    return workspace


def shares(app):
    found = app.platform.serving.endpoint(app, "support")
    return {one.version: one.weight for one in found.versions}


def test_a_full_endpoint_refuses_one_more_version_and_takes_it_when_there_is_room(
    app: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(app, monkeypatch, versions=MOST + 1)
    names = {version: served.entity_name(MODEL, version) for version in range(1, MOST + 1)}
    entities = [
        ServedEntityInput(name=name, entity_name=MODEL, entity_version=str(version), workload_size="Small")
        for version, name in names.items()
    ]
    routes = served.routes({name: 100 if version == 1 else 0 for version, name in names.items()})
    config = EndpointCoreConfigInput(
        name="support", served_entities=entities, traffic_config=TrafficConfig(routes=routes)
    )
    sdk(app).serving_endpoints.create("support", config=config)
    changing.settled(app.platform.serving.client, "support")
    before = shares(app)
    assert len(before) == MOST

    with pytest.raises(ConflictError, match=f"already serves {MOST} versions") as full:
        deploy(app, MOST + 1)
    assert "Stop old versions" in str(full.value) and shares(app) == before
    app.platform.serving.retire(app, "support", 7)
    deploy(app, MOST + 1)
    assert shares(app) == {version: weight for version, weight in before.items() if version != 7} | {MOST + 1: 0}


def test_a_deployment_that_never_settles_is_asked_for_once_and_ends_well_when_it_does(
    databricks: Emulator, app: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(app, monkeypatch)
    deploy(app, 1)
    databricks.admin("POST", "/config", {"deploy_seconds": None})
    for _ in range(2):
        app.platform.serving.deploy(app, "support", 2, "", {})
    there = app.platform.serving.endpoint(app, "support")
    assert {one.version: one.state for one in there.versions} == {2: ServedState.STARTING, 1: ServedState.READY}
    assert [one["method"] for one in databricks.requests("/serving-endpoints/support/config")] == ["PUT"]
    assert [one.version for one in there.live] == [1], "what is live answers meanwhile"
    databricks.admin("POST", "/serving/support/finish", {})
    assert {one.version: one.state for one in app.platform.serving.endpoint(app, "support").versions} == {
        2: ServedState.READY,
        1: ServedState.READY,
    }


def test_a_page_instead_of_an_answer_is_a_sentence_wherever_it_comes(
    databricks: Emulator, app: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy or a VPN answers for the workspace, with 200."""
    looks = {
        "/serving-endpoints": lambda: app.platform.serving.endpoint(app, "support"),
        "/invocations": lambda: app.platform.serving.ask(app, "support", HELLO),
        "/scheduled-scorers": lambda: app.platform.scoring.status(app),
        "/jobs/": lambda: app.platform.scoring.standstill(app),
        "/jobs/list": lambda: archiving.state(app),
        "/managed-evals": lambda: schedule.state(app),
        "/api/2.0/serving": lambda: environment.of(app),
        "/unity-catalog": lambda: prompts.history(app, "support"),
        "/datasets": lambda: datasets.create(app, "Questions", [Row("", "Where?")]),
    }
    for path, look in looks.items():
        databricks.fault(path, status=200, raw_body=PAGE)
        with pytest.raises(ConsoleError) as told:
            look()
        assert "<html" not in str(told.value) and told.value.remedy, path
        databricks.admin("DELETE", "/rules")


def test_a_lost_answer_doubles_neither_a_prompt_version_nor_a_scorer(databricks: Emulator, app: Workspace) -> None:
    prompts.save(app, "support", "Hello {{name}}", "first")
    databricks.fault("/prompts/.*/versions", method="POST", status=503, times=1, after_execute=True)
    prompts.save(app, "support", "Hi {{name}}", "second")
    texts = [one.template for one in prompts.history(app, "support")]
    assert texts == ["Hi {{name}}", "Hello {{name}}"]

    scorers.save(app, ScorerSpec("kind", "guidelines", {"guidelines": ["Be polite"]}))
    databricks.fault("/scheduled-scorers", method="PATCH", status=503, times=1, after_execute=True)
    app.platform.scoring.apply(app, [MonitoredScorer("kind", 1, 0.5, True)])
    assert [(one.name, one.rate) for one in schedule.state(app).registered] == [("kind", 0.5)]


def test_a_lost_answer_registers_no_second_version(
    databricks: Emulator, app: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    databricks.fault("/model-versions/create", method="POST", status=503, times=1, after_execute=True)
    register(app, monkeypatch, versions=1)
    assert agents.registered_name(app) == MODEL
    found = app.client.search_model_versions(f"name='{MODEL}'")
    assert [one.status for one in found].count("READY") == 1
