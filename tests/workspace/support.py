"""The app “support” on the emulated workspace, with a small agent that can be served."""

from collections.abc import Callable
from typing import Any

import mlflow
import pytest
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse

from services import apps, jobs
from services.apps import AppForm
from services.platforms.databricks import changing
from services.workspace import Workspace
from tests.workspace.fixture import TOKEN

FOLDER, SCOPE, MODEL = "/Shared/signalbox", "signalbox", "acme.llmops.support-agent"


class Echo(ResponsesAgent):
    """The smallest agent that can be served."""

    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:  # type: ignore[override]
        return ResponsesAgentResponse(output=[self.create_text_output_item(text="Hello", id="msg_1")])


def sdk(workspace):
    return workspace.platform.serving.client.sdk


def adopt(workspace: Workspace) -> Workspace:
    """The workspace on an app whose experiment lies in a folder of its own."""
    sdk(workspace).workspace.mkdirs(FOLDER)
    experiment = workspace.client.create_experiment(f"{FOLDER}/support")
    form = AppForm(id="support", name="Support", company="Acme", model=workspace.settings.model, endpoint="support")
    return workspace.for_app(apps.adopt(workspace, form, experiment))


def at_work(workspace: Workspace, run: Callable[[Workspace, jobs.Work], dict[str, Any]]) -> dict[str, Any]:
    """The next job, done in this process: the fork server of a test before may have no way to the workspace."""
    job = jobs.claim(workspace.engine)
    assert job is not None
    result = run(workspace, jobs.Work(workspace.engine, job))
    jobs.finish(workspace.engine, job, result)
    return result


def keep_secret(workspace: Workspace) -> None:
    sdk(workspace).secrets.create_scope(SCOPE)
    sdk(workspace).secrets.put_secret(SCOPE, "databricks_token", string_value=TOKEN)


def register(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, versions: int = 2, agent: ResponsesAgent | str | None = None
) -> None:
    """So many registered versions of the small agent, or of another one."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)
    with mlflow.tracing.context(enabled=False):
        logged = mlflow.pyfunc.log_model(name="agent", python_model=agent or Echo(), pip_requirements=["mlflow"])
    for _ in range(versions):
        mlflow.register_model(f"models:/{logged.model_id}", MODEL)


def deploy(workspace: Workspace, version: int) -> None:
    """Deployed, and waited for until the endpoint takes another change."""
    workspace.platform.serving.deploy(workspace, "support", version, "", {})
    changing.settled(workspace.platform.serving.client, "support")
