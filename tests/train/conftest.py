"""The console's real processes on a data folder of the test's own: worker, gateway, served versions."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from services import apps, datasets, evaluations, home, jobs, people, prompts, releases, sample
from services.agents import AgentForm
from services.agents import log as log_agent
from services.jobs import Job, State
from services.processes.lock import held, read
from services.releases import Proposal, Release
from services.settings import Settings
from services.workspace import Workspace, connect

PROMPT = sample.app().prompt_name


class Train:
    """The train as an engineer would call it, waiting for each job."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def done(self, job: Job, state: State = State.DONE, seconds: float = 150) -> Job:
        end = time.monotonic() + seconds
        while (now := jobs.get(self.workspace, job.id)).live:
            assert time.monotonic() < end, f"{now.kind} did not end: {now}"
            time.sleep(0.05)
        assert now.state is state, f"{now.kind}: {now.error} {now.remedy}"
        return now

    def prompts(self) -> list[int]:
        return [prompts.save(self.workspace, PROMPT, one.template, one.note).version for one in sample.app().prompts]

    def agent(self, version: int, *, pinned: bool = False, source: str | None = None) -> str:
        form = AgentForm(
            name="support-agent",
            prompt_name=PROMPT,
            first_version=version,
            pinned=pinned,
            llm_model=self.workspace.app.model,
            source=source,
        )
        return str(self.done(log_agent(self.workspace, form)).result["model_id"])

    def brought(self, source: str) -> str:
        """An agent file that asks no prompt."""
        form = AgentForm("claims", "", None, pinned=False, llm_model="", source=source)
        return str(self.done(log_agent(self.workspace, form)).result["model_id"])

    def evaluate(self, model_id: str, version: int | None) -> evaluations.Evaluation:
        job = evaluations.start(self.workspace, model_id, version, str(self.workspace.app.dataset_id))
        return evaluations.get(self.workspace, self.done(job).result["run_id"])

    def start(self, model_id: str, version: int | None) -> Release:
        proposed = releases.propose(self.workspace, Proposal(model_id, version))
        return releases.start(self.workspace, proposed.id)

    def finished(self, release: Release, state: State = State.DONE) -> Release:
        self.done(jobs.get(self.workspace, int(release.job_id or 0)), state)
        return releases.get(self.workspace, release.id)

    def release(self, model_id: str, version: int | None) -> Release:
        return self.finished(self.start(model_id, version))


@pytest.fixture
def start_worker(settings: Settings) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-m", "services.processes.worker"], start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait(60)
    gateway = settings.run_folder / "gateway.lock"
    if held(gateway):
        os.kill(read(gateway)["pid"], signal.SIGTERM)
    end = time.monotonic() + 60
    while held(gateway) and time.monotonic() < end:
        time.sleep(0.05)


@pytest.fixture
def full_train(settings: Settings, start_worker: Callable[[], subprocess.Popen[bytes]]) -> Train:
    """Ada on the sample app of a fresh data folder, with the worker and its gateway running."""
    home.prepare(settings)
    start_worker()
    workspace = Workspace(connect(settings), people.identify(settings, {}))
    return Train(workspace.for_app(apps.get(workspace, sample.app().id)))


@pytest.fixture
def train(full_train: Train) -> Train:
    """The same with eight questions instead of the sample's whole dataset, where the scores are not the point."""
    rows = datasets.rows(full_train.workspace, str(full_train.workspace.app.dataset_id))[:8]
    apps.choose_dataset(full_train.workspace, datasets.create(full_train.workspace, "Eight questions", rows).id)
    apps.save_gate(full_train.workspace, apps.Gate({"polite": 0.5, "mentions company": 0.9}, rows=8))
    return Train(full_train.workspace.for_app(apps.get(full_train.workspace, full_train.workspace.app.id)))
