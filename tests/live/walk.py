"""One walk of the release train on a workspace, emulated or real, under one name that no other visit has."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from databricks.sdk import WorkspaceClient

from services import (
    agents,
    apps,
    audit,
    connection,
    datasets,
    evaluations,
    jobs,
    production,
    prompts,
    releases,
    scorers,
)
from services.agents import AgentForm
from services.apps import AppForm, Environment, Gate, Stage
from services.connection import Place
from services.datasets import Row
from services.jobs import Job, State
from services.platforms import Target
from services.platforms.databricks.place import SECRET
from services.releases import Proposal, Release
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.live.leaving import Made, leave

APP, AGENT = "support", "support-agent"
POLITE = "You are a polite assistant of {{company_name}}. Question: {{question}}"
NAMING = "You are a polite assistant of {{company_name}}. Always name {{company_name}}. Question: {{question}}"
QUESTIONS = ("Where is my parcel?", "How do I return a shoe?")


@dataclass(frozen=True)
class Stay:
    """Where a walk may make things, what a served agent signs in with, and how long one job may take, in seconds.

    `principal` is the id and the secret by which the console signs in instead: apps answer nobody who comes with a token.
    """

    catalog: str
    token: str = field(repr=False)
    seconds: float
    pause: float
    parent: str = "/Shared"
    model: str = ""
    target: Target = Target.AGENT
    principal: tuple[str, str] | None = field(default=None, repr=False)
    name: str = field(default_factory=lambda: f"signalbox_live_{uuid.uuid4().hex[:10]}")

    @property
    def made(self) -> Made:
        folder = f"{self.parent.rstrip('/')}/{self.name}"
        return Made(self.catalog, self.name, folder, f"{folder}/{APP}", self.name.replace("_", "-"), self.name)

    @property
    def registered_model(self) -> str:
        return f"{self.made.full_schema}.{AGENT}"

    @property
    def environ(self) -> dict[str, str]:
        """What the console is told, so that it makes nothing elsewhere."""
        return {
            "SIGNALBOX_PLATFORM": "databricks",
            "SIGNALBOX_CATALOG": self.catalog,
            "SIGNALBOX_SCHEMA": self.name,
            "SIGNALBOX_EXPERIMENTS": self.made.folder,
            "SIGNALBOX_SECRET_SCOPE": self.name,
            **self.sign_in,
            "DATABRICKS_CONFIG_FILE": os.devnull,
            **({"SIGNALBOX_MODEL": self.model} if self.model else {}),
        }

    @property
    def sign_in(self) -> dict[str, str]:
        if self.principal is None:
            return {"DATABRICKS_TOKEN": self.token}
        id, secret = self.principal
        return {"DATABRICKS_CLIENT_ID": id, "DATABRICKS_CLIENT_SECRET": secret}


@contextmanager
def visit(workspace: Workspace, stay: Stay) -> Iterator[Workspace]:
    """The app of the walk; at the end everything that bears its name is gone, whatever happened meanwhile."""
    try:
        yield _app(workspace, stay)
    finally:
        leave(workspace, stay.made)


def prompt_to_production_and_back(app: Workspace, stay: Stay) -> None:
    """Two releases and the way back, each by the jobs of a real worker."""
    with _worker():
        first = prompts.save(app, APP, POLITE, "polite").version
        earlier = _release(app, stay, _log(app, stay, first), first)
        second = prompts.save(app, APP, NAMING, "names the company").version
        later = _release(app, stay, _log(app, stay, second), second)

        assert [one.state.value for one in (earlier, later)] == ["live", "live"]
        assert later.proof is not None
        assert (later.proof.prompt_version, later.proof.probes >= 1) == (second, True)
        assert production.traffic(app) == {2: 100}
        assert production.model_aliases(app, stay.registered_model) == {"champion": 2}

        back = releases.roll_back(app, "the answers are too long")
        _done(app, stay, jobs.get(app, int(back.job_id or 0)))
        assert releases.get(app, back.id).state.value == "live"
        assert production.traffic(app) == {1: 100}
        assert audit.broken_at(app.engine) is None


def _app(workspace: Workspace, stay: Stay) -> Workspace:
    """With a dataset, scorers and a gate, in a schema, a folder and a secret scope of its own."""
    sdk: WorkspaceClient = workspace.platform.serving.client.sdk  # type: ignore[attr-defined]
    connection.save_place(workspace, Place())
    sdk.secrets.create_scope(stay.name)
    sdk.secrets.put_secret(stay.name, SECRET, string_value=stay.token)
    form = AppForm(
        id=APP,
        name="Support",
        company="Acme",
        model=workspace.settings.model,
        endpoint=stay.made.endpoint,
        smoke_questions=QUESTIONS[:1],
        prompt_cache_seconds=0,
        gate=Gate({"length": 0.5}, rows=2),
    )
    workspace = workspace.for_app(apps.create(workspace, form))
    apps.save_environment(workspace, Environment(Stage.PRODUCTION, form.endpoint, target=stay.target))
    scorers.save(workspace, ScorerSpec("length", "length", {"shortest": 1, "longest": 5000}))
    scorers.save(workspace, ScorerSpec("kind", "guidelines", {"guidelines": ["The answer must be polite"]}))
    made = datasets.create(workspace, "Support questions", [Row("", one) for one in QUESTIONS])
    apps.choose_dataset(workspace, made.id)
    return workspace.for_app(apps.get(workspace, APP))


@contextmanager
def _worker() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "services.processes.worker"], start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _log(app: Workspace, stay: Stay, version: int) -> str:
    form = AgentForm(AGENT, APP, version, pinned=True, llm_model=app.app.model)
    return str(_done(app, stay, agents.log(app, form)).result["model_id"])


def _release(app: Workspace, stay: Stay, model_id: str, version: int) -> Release:
    _done(app, stay, evaluations.start(app, model_id, version, str(app.app.dataset_id)))
    proposed = releases.propose(app, Proposal(model_id, version))
    _done(app, stay, jobs.get(app, int(releases.start(app, proposed.id).job_id or 0)))
    return releases.get(app, proposed.id)


def _done(app: Workspace, stay: Stay, job: Job) -> Job:
    end = time.monotonic() + stay.seconds
    while (now := jobs.get(app, job.id)).live:
        assert time.monotonic() < end, f"{now.kind} did not end: {now}"
        time.sleep(stay.pause)
    assert now.state is State.DONE, f"{now.kind}: {now.error} {now.remedy}"
    return now
