"""The release train on a Databricks workspace: the emulator answers the real SDKs, a real worker does the jobs."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from services import agents, apps, audit, datasets, evaluations, jobs, production, prompts, releases, scorers
from services.agents import AgentForm
from services.apps import AppForm, Gate
from services.datasets import Row
from services.jobs import State
from services.releases import Proposal
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.workspace.fixture import TOKEN, Emulator

FOLDER, SCOPE = "/Shared/signalbox", "signalbox"
POLITE = "You are a polite assistant of {{company_name}}. Question: {{question}}"
NAMING = "You are a polite assistant of {{company_name}}. Always name {{company_name}}. Question: {{question}}"
QUESTIONS = ("Where is my parcel?", "How do I return a shoe?")


@pytest.fixture
def databricks_environ(databricks_environ: dict[str, str]) -> dict[str, str]:
    return databricks_environ | {"SIGNALBOX_SECRET_SCOPE": SCOPE}


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace) -> Workspace:
    """Ada on an app of the workspace, with a dataset, scorers and a gate; deployments take a blink."""
    workspace, sdk = databricks_workspace, databricks_workspace.platform.serving.client.sdk  # type: ignore[attr-defined]
    databricks.admin("POST", "/config", {"deploy_seconds": 0.3})
    sdk.workspace.mkdirs(FOLDER)
    sdk.secrets.create_scope(SCOPE)
    sdk.secrets.put_secret(SCOPE, "databricks_token", string_value=TOKEN)
    experiment = workspace.client.create_experiment(f"{FOLDER}/support")
    form = AppForm(
        id="support",
        name="Support",
        company="Acme",
        model=workspace.settings.model,
        endpoint="support",
        smoke_questions=QUESTIONS[:1],
        prompt_cache_seconds=0,
        gate=Gate({"length": 0.5}, rows=2),
    )
    workspace = workspace.for_app(apps.adopt(workspace, form, experiment))
    scorers.save(workspace, ScorerSpec("length", "length", {"shortest": 1, "longest": 5000}))
    scorers.save(workspace, ScorerSpec("kind", "guidelines", {"guidelines": ["The answer must be polite"]}))
    made = datasets.create(workspace, "Support questions", [Row("", one) for one in QUESTIONS])
    apps.choose_dataset(workspace, made.id)
    return workspace.for_app(apps.get(workspace, "support"))


@pytest.fixture
def worker(app: Workspace) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "services.processes.worker"], start_new_session=True)
    yield
    process.terminate()
    process.wait(60)


def done(workspace, job, seconds=300):
    end = time.monotonic() + seconds
    while (now := jobs.get(workspace, job.id)).live:
        assert time.monotonic() < end, f"{now.kind} did not end: {now}"
        time.sleep(0.1)
    assert now.state is State.DONE, f"{now.kind}: {now.error} {now.remedy}"
    return now


def log(workspace, version):
    form = AgentForm("support-agent", "support", version, pinned=True, llm_model=workspace.app.model)
    return str(done(workspace, agents.log(workspace, form)).result["model_id"])


def release(workspace, model_id, version):
    done(workspace, evaluations.start(workspace, model_id, version, str(workspace.app.dataset_id)))
    proposed = releases.propose(workspace, Proposal(model_id, version))
    done(workspace, jobs.get(workspace, int(releases.start(workspace, proposed.id).job_id or 0)))
    return releases.get(workspace, proposed.id)


def positions(requests, method, route):
    return [at for at, one in enumerate(requests) if (one["method"], one["template"]) == (method, route)]


@pytest.mark.timeout(900)
def test_prompt_to_production_and_back(databricks: Emulator, app: Workspace, worker: None) -> None:
    first = prompts.save(app, "support", POLITE, "polite").version
    earlier = release(app, log(app, first), first)
    second = prompts.save(app, "support", NAMING, "names the company").version
    later = release(app, log(app, second), second)

    assert [one.state.value for one in (earlier, later)] == ["live", "live"]
    assert (later.proof.prompt_version, later.proof.probes >= 1) == (second, True)
    assert production.traffic(app) == {2: 100}
    assert production.model_aliases(app, "acme.llmops.support-agent") == {"champion": 2}

    back = releases.roll_back(app, "the answers are too long")
    done(app, jobs.get(app, int(back.job_id or 0)))
    assert releases.get(app, back.id).state.value == "live"
    assert production.traffic(app) == {1: 100}
    assert audit.broken_at(app.engine) is None
    check_what_was_asked(databricks)


def check_what_was_asked(databricks: Emulator) -> None:
    """Nothing outside what a workspace offers, no secret in clear, scorers before the endpoint, and one endpoint."""
    asked = databricks.requests()
    assert [(one["method"], one["path"]) for one in asked if one["template"] is None] == []
    written = [one for one in asked if "/secrets/put" not in one["path"]]
    assert [one["path"] for one in written if TOKEN in json.dumps([one["query"], one["body"]])] == []
    assert positions(asked, "POST", "/api/2.0/agents/chat-assessments")
    created = positions(asked, "POST", "/api/2.0/serving-endpoints")
    started = positions(asked, "PATCH", "/api/2.0/managed-evals/scheduled-scorers/{eid}")
    assert len(created) == 1 and min(started) < created[0]
    environment = asked[created[0]]["body"]["config"]["served_entities"][0]["environment_vars"]
    assert environment["DATABRICKS_TOKEN"] == environment["OPENAI_API_KEY"] == "{{secrets/signalbox/databricks_token}}"
    changes = [asked[at]["body"] for at in positions(asked, "PUT", "/api/2.0/serving-endpoints/{name}/config")]
    routes = [body["traffic_config"]["routes"] for body in changes]
    shares = [{one["served_model_name"][-1]: one["traffic_percentage"] for one in each} for each in routes]
    assert shares == [{"1": 100, "2": 0}, {"2": 100, "1": 0}, {"1": 100, "2": 0}, {"1": 100}]
