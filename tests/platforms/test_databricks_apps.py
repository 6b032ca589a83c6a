"""Agent versions as apps of a workspace: by the real SDK and MLflow's own server, which really runs."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from services import production
from services.apps import Stage
from services.errors import ConflictError, NotFoundError, NotReadyError, PlatformError
from services.kinds import Kind
from services.platforms import ServedState, Target
from services.platforms.databricks import environment
from services.platforms.databricks.apps import changing, source
from services.workspace import Workspace
from tests.workspace.fixture import Emulator
from tests.workspace.support import SCOPE, adopt, keep_secret, register, sdk

APPS = "/api/2.0/apps"
HELLO = {"input": [{"role": "user", "content": "Hello"}], "custom_inputs": {"signalbox_origin": "smoke"}}
READY = ServedState.READY
CODE = """
import os
from mlflow.models import set_model
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse, ResponsesAgentStreamEvent

if os.environ.get("SHOP") == "closed":
    raise ValueError("the shop is not open yet")

class Echo(ResponsesAgent):
    def predict(self, request):
        if request.input[-1].content == "fail":
            raise ValueError("the shop is closed")
        return ResponsesAgentResponse(output=[self.create_text_output_item(text="Hello", id="msg_1")])

    def predict_stream(self, request):
        for piece in ("Hel", "lo"):
            yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=piece, item_id="msg_1"))
        if request.input[-1].content == "fail":
            raise ValueError("the shop is closed")
        done = self.create_text_output_item(text="Hello", id="msg_1")
        yield ResponsesAgentStreamEvent(type="response.output_item.done", item=done)

set_model(Echo())
"""


@pytest.fixture
def databricks_environ(databricks_environ: dict[str, str]) -> dict[str, str]:
    """Apps answer only who signs in by OAuth."""
    principal = {"DATABRICKS_CLIENT_ID": "sp-client-id", "DATABRICKS_CLIENT_SECRET": "sp-client-secret"}
    signed = {name: value for name, value in databricks_environ.items() if name != "DATABRICKS_TOKEN"}
    return signed | principal | {"SIGNALBOX_SECRET_SCOPE": SCOPE}


@pytest.fixture
def hosted(
    databricks: Emulator, databricks_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Workspace:
    """Two registered versions of a small agent, to be served as apps."""
    databricks.admin("POST", "/config", {"deploy_seconds": 0.1})
    monkeypatch.setattr(changing, "FIRST_LOOK", 0.1)
    workspace = adopt(databricks_workspace)
    keep_secret(workspace)
    (tmp_path / "agent.py").write_text(CODE)
    register(workspace, monkeypatch, agent=str(tmp_path / "agent.py"))
    chosen = replace(workspace.app.environment, target=Target.APP)
    return workspace.for_app(replace(workspace.app, environment=chosen))


def deploy(workspace, version):
    """Deployed, and waited for until it stands or has failed."""
    workspace.platform.serving.deploy(workspace, "support", version, "", {})
    end = time.monotonic() + 60
    while ServedState.STARTING in (state for _, state in shares(workspace).values()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return shares(workspace)


def shares(workspace):
    found = workspace.platform.serving.endpoint(workspace, "support")
    return {one.version: (one.weight, one.state) for one in found.versions} if found else {}


def resources(workspace):
    return tuple(sdk(workspace).apps.get("support-next").resources)


def writes(databricks, since=0):
    return [one for one in databricks.requests(APPS)[since:] if one["method"] != "GET"]


@pytest.mark.timeout(300)
def test_a_version_is_tried_beside_the_one_that_answers_and_then_takes_its_place(
    databricks: Emulator, hosted: Workspace
) -> None:
    serving = hosted.platform.serving
    assert deploy(hosted, 1) == {1: (0, READY)}
    with pytest.raises(NotFoundError, match="Nothing is deployed"):
        serving.ask(hosted, "support", HELLO)
    answer = serving.ask(hosted, "support", HELLO, version=1)
    assert answer.text == "Hello"
    trace = hosted.client.get_trace(str(answer.trace_id))
    assert trace.info.tags["signalbox.origin"] == "smoke"
    assert trace.info.trace_metadata["mlflow.modelId"] == serving.endpoint(hosted, "support").version(1).model_id
    assert trace.data.spans[0].span_type == "AGENT"

    serving.shift(hosted, "support", {1: 100})
    assert shares(hosted) == {1: (100, READY)}
    assert sdk(hosted).apps.get("support-next").compute_status.state.value == "STOPPED"
    *pieces, last = serving.stream(hosted, "support", {"input": HELLO["input"]})
    assert "".join(one.text for one in pieces) == "Hello"
    assert last.done and last.trace_id and last.error is None
    closed = {"input": [{"role": "user", "content": "fail"}]}
    with pytest.raises(PlatformError, match="the shop is closed"):
        serving.ask(hosted, "support", closed)
    *pieces, last = serving.stream(hosted, "support", closed)
    assert ("".join(one.text for one in pieces), "the shop is closed" in str(last.error)) == ("Hello", True)

    assert deploy(hosted, 2) == {2: (0, READY), 1: (100, READY)}
    told = {one.version: (one.weight, one.wrong) for one in environment.of(hosted)}
    assert told == {1: (100, ()), 2: (0, ())}
    grown = hosted.for_app(replace(hosted.app, prompt_cache_seconds=1234))
    changed = [line for one in environment.of(grown) for line in one.wrong]
    assert [line.name for line in changed] == ["MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS"] * 2
    assert "1234" in str(changed[0].why)
    with pytest.raises(ConflictError, match="still takes 100 %"):
        serving.retire(hosted, "support", 1)
    with pytest.raises(NotReadyError, match="cannot share its traffic"):
        serving.shift(hosted, "support", {1: 50, 2: 50})
    before = len(databricks.requests(APPS))
    deploy(hosted, 2)
    assert writes(databricks, before) == []
    serving.retire(hosted, "support", 2)
    assert shares(hosted) == {1: (100, READY)}

    serving.dismantle(hosted, "support")
    assert serving.endpoint(hosted, "support") is None
    assert databricks.kept["apps"] == []
    assert not [one for one in databricks.kept["workspace"] if "/support" in one and one.startswith("/Users")]


@pytest.mark.timeout(300)
def test_a_version_that_does_not_come_up_says_why_and_leaves_the_other_alone(
    databricks: Emulator, hosted: Workspace
) -> None:
    deploy(hosted, 1)
    hosted.platform.serving.shift(hosted, "support", {1: 100})
    closed = replace(hosted.app.environment, variables={"SHOP": "closed"})
    broken = deploy(hosted.for_app(replace(hosted.app, environment=closed)), 2)
    assert broken == {2: (0, ServedState.FAILED), 1: (100, READY)}
    assert "not open yet" in hosted.platform.serving.endpoint(hosted, "support").version(2).error
    with pytest.raises(NotReadyError, match="Version 2 is not ready"):
        hosted.platform.serving.shift(hosted, "support", {2: 100})

    assert deploy(hosted, 2) == {2: (0, READY), 1: (100, READY)}
    databricks.admin("POST", "/config", {"deploy_outcome": "fail"})
    with pytest.raises(PlatformError, match="did not come up"):
        hosted.platform.serving.shift(hosted, "support", {2: 100})
    assert production.traffic(hosted) == {1: 100}
    databricks.admin("POST", "/config", {"deploy_outcome": "success"})
    hosted.platform.serving.shift(hosted, "support", {1: 100})
    assert shares(hosted)[1] == (100, READY)


@pytest.mark.timeout(300)
def test_a_move_that_was_interrupted_is_followed_not_begun_again(databricks: Emulator, hosted: Workspace) -> None:
    deploy(hosted, 1)
    serving, client = hosted.platform.serving, hosted.platform.serving.client
    changing.run(
        hosted, client, "support", source.folder(client, "support", 1), resources(hosted)
    )  # … and here it was killed
    serving.shift(hosted, "support", {1: 100})
    begun = [one["path"].split("/")[4] for one in writes(databricks) if one["path"].endswith("/deployments")]
    assert begun == ["support-next", "support"]
    assert shares(hosted) == {1: (100, READY)}


def test_a_lost_answer_makes_nothing_twice(databricks: Emulator, hosted: Workspace) -> None:
    databricks.fault(f"^{APPS}$", method="POST", status=503, times=1, after_execute=True)
    databricks.fault(f"{APPS}/support-next/deployments", method="POST", status=503, times=1, after_execute=True)
    assert deploy(hosted, 1) == {1: (0, READY)}
    assert databricks.kept["apps"] == ["support-next"]
    begun = [one for one in writes(databricks) if one["path"].endswith("/deployments")]
    assert [one["status"] for one in begun].count(200) <= 1


def test_an_app_of_somebody_else_is_neither_overwritten_nor_taken_away(databricks: Emulator, hosted: Workspace) -> None:
    from databricks.sdk.service.apps import App

    sdk(hosted).apps.create(App("support-next", description="the shop"))
    for change in (lambda: deploy(hosted, 1), lambda: hosted.platform.serving.dismantle(hosted, "support")):
        with pytest.raises(ConflictError, match="did not make"):
            change()
    assert databricks.kept["apps"] == ["support-next"]


def test_an_environment_called_like_the_app_beside_another_one_is_refused(hosted: Workspace) -> None:
    deploy(hosted, 1)
    staging = replace(hosted.app.environment, stage=Stage.STAGING, endpoint="support-next")
    there = hosted.for_app(replace(hosted.app, environment=staging, endpoint="support-next"))
    with pytest.raises(ConflictError, match="did not make"):
        there.platform.serving.dismantle(there, "support-next")
    assert shares(hosted) == {1: (0, READY)}


def test_only_responses_agents_are_served_and_only_to_who_signs_in_by_oauth(hosted: Workspace) -> None:
    serving = hosted.platform.serving
    assert serving.refuses(hosted, Kind.RESPONSES) is None
    assert "ChatAgent" in str(serving.refuses(hosted, Kind.CHAT)[0])
    serving.client.access = replace(serving.client.access, auth_type="pat")
    assert "personal access token" in str(serving.refuses(hosted, Kind.RESPONSES)[0])


def test_keys_stand_in_no_file_but_are_filled_in_by_the_platform() -> None:
    told = {"A": "1", "B": "{{secrets/box/one}}", "C": "{{secrets/box/one}}", "D": "{{secrets/box/two}}"}
    made = source.of("models:/a.b.c/3", {"temperature": 0.5}, ["mlflow==3.17.2"], told)
    assert [(one.name, one.secret.scope, one.secret.key) for one in made.resources] == [
        ("secret-0", "box", "one"),
        ("secret-1", "box", "two"),
    ]
    assert yaml.safe_load(made.files["app.yaml"]) == {
        "command": ["python", "main.py"],
        "env": [
            {"name": "A", "value": "1"},
            {"name": "B", "valueFrom": "secret-0"},
            {"name": "C", "valueFrom": "secret-0"},
            {"name": "D", "valueFrom": "secret-1"},
        ],
    }
    assert source.environment(made.files["app.yaml"], made.resources) == told
    assert json.loads(made.files["agent.json"]) == {"model": "models:/a.b.c/3", "config": {"temperature": 0.5}}
    assert "mlflow==3.17.2" in made.files["requirements.txt"].splitlines()


def test_the_platform_is_read_as_it_was_left(hosted: Workspace) -> None:
    """Which version runs is told by the folder of the deployment alone."""
    assert source.version_of("/Workspace/Users/a/signalbox/apps/support/version_12") == 12
    assert source.version_of("/Workspace/Users/a/shop") is None
    assert hosted.platform.serving.endpoint(hosted, "support") is None
    assert hosted.platform.serving.rules.name_length == 25
    assert hosted.for_app(replace(hosted.app, environment=replace(hosted.app.environment, target=Target.AGENT))).platform.serving.rules.name_length == 63  # fmt: skip
