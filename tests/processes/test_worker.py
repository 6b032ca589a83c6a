"""What the code that someone brought can see of the console when the worker runs it."""

import json
import os
import subprocess
import sys
import time

import pytest

from services import agents, jobs, prompts
from services.agents import AgentForm, clean
from services.jobs import State
from services.processes.lock import held
from tests.stub_model import stub_model

TELLS_ITS_ENVIRONMENT = """
import json
import os
import sys

import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse


class Curious(ResponsesAgent):
    def predict(self, request):
        kept = getattr(sys.modules.get("services.processes.packages"), "INDEX", "")
        text = json.dumps(dict(os.environ) | {"kept": str(kept)})
        return ResponsesAgentResponse(output=[self.create_text_output_item(text=text, id="msg_1")])


mlflow.models.set_model(Curious())
"""
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "not-for-agents-1",
    "GITHUB_TOKEN": "not-for-agents-2",
    "PGPASSWORD": "not-for-agents-3",
    "SIGNALBOX_EMAIL_HEADER": "not-for-agents-4",
    "OPENAI_ADMIN_KEY": "not-for-agents-5",
    "PIP_CERT": "not-for-agents-6",
}


@pytest.fixture
def model(environ):
    with stub_model() as stub:
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "the-models-key", **SECRETS}
        yield stub


@pytest.fixture
def worker(model, workspace):
    process = subprocess.Popen([sys.executable, "-m", "services.processes.worker"], start_new_session=True)
    yield process
    process.terminate()
    process.wait(60)
    end = time.monotonic() + 60
    while held(workspace.settings.run_folder / "gateway.lock") and time.monotonic() < end:
        time.sleep(0.05)


def ended(workspace, job):
    end = time.monotonic() + 90
    while (now := jobs.get(workspace, job.id)).live:
        assert time.monotonic() < end, now
        time.sleep(0.05)
    assert now.state is State.DONE, now.error
    return now


def test_an_agent_sees_the_model_and_nothing_else_of_the_environment(worker, workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    form = AgentForm("curious", "greeting", 1, pinned=False, llm_model="stub", source=TELLS_ITS_ENVIRONMENT)
    model_id = ended(workspace, agents.log(workspace, form)).result["model_id"]
    told = ended(workspace, agents.try_out(workspace, model_id, 1, "What do you see?")).result["answer"]
    seen = json.loads(told)
    assert seen["OPENAI_API_KEY"] == "the-models-key" and seen["PATH"] == os.environ["PATH"]
    assert {name for name in seen if name.startswith("SIGNALBOX_")} <= {"SIGNALBOX_PROMPT_VERSION"}
    assert not set(SECRETS) & set(seen) and "not-for-agents" not in told


def test_a_package_that_is_installed_sees_no_key(monkeypatch):
    for name in ("DATABRICKS_TOKEN", "OPENAI_API_KEY", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "not-for-packages")
    told = clean._installing()
    assert "not-for-packages" not in told.values() and told["PATH"] == os.environ["PATH"]
