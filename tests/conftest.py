"""A real store for every test: one migrated data folder, copied."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from mlflow.tracking import fluent

from services import apps, database, jobs, people
from services import settings as settings_module
from services.apps import AppForm, Gate
from services.jobs import Job
from services.processes.worker import CONTEXT, Worker
from services.settings import Settings
from services.workspace import Workspace, connect
from tests.stub_model import StubModel, stub_model

pytest_plugins = ["tests.workspace.fixture"]
CONTEXT.set_forkserver_preload(["services.processes.preload"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Nothing of a test's environment is the next one's: last to be undone, after `monkeypatch`.

    A test on the emulated workspace that sets a variable gets the workspace's value back from `monkeypatch`
    once the fixture that stood there is gone, and the next test's processes would be on that workspace.
    """
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def main_module(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest leaves a screen's script as the main module, which a job's child would import and so run again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def active_experiment(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mlflow.set_experiment` is remembered by the process: the next test is in another store."""
    monkeypatch.setattr(fluent, "_active_experiment_id", fluent._active_experiment_id)


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("migrated")
    settings = settings_module.load({"SIGNALBOX_HOME": str(home)})
    database.migrate(settings)
    connect(settings).engine.dispose()
    return home


@pytest.fixture
def environ(migrated_home: Path, tmp_path: Path) -> dict[str, str]:
    """The console's environment on a fresh copy of the store; change it before asking for `settings`."""
    home = tmp_path / "home"
    shutil.copytree(migrated_home, home)
    return {
        "SIGNALBOX_HOME": str(home),
        "SIGNALBOX_GATEWAY_PORT": str(free_port()),
        "SIGNALBOX_PORT": str(free_port()),
        "SIGNALBOX_OPERATOR": "ada",
    }


@pytest.fixture
def model(environ: dict[str, str]) -> Iterator[StubModel]:
    """The model that the console is configured for: what it answers is the test's to say."""
    with stub_model() as stub:
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "secret-key"}
        yield stub


@pytest.fixture
def settings(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith(("SIGNALBOX_HOME", "OPENAI_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return settings_module.load(environ)


@pytest.fixture
def bare_workspace(settings: Settings) -> Workspace:
    """Ada, who may do everything, before there is an app."""
    return Workspace(connect(settings), people.identify(settings, {}))


@pytest.fixture
def workspace(bare_workspace: Workspace) -> Workspace:
    """Ada working on the app `support`."""
    form = AppForm(
        id="support",
        name="Support",
        company="Acme",
        model="practice",
        endpoint="support",
        constants={"tone": "friendly"},
        smoke_questions=("Where is my parcel?",),
        prompt_cache_seconds=1,
        gate=Gate({}, rows=1),
    )
    return bare_workspace.for_app(apps.create(bare_workspace, form))


@pytest.fixture
def finish() -> Iterator[Callable[[Workspace, Job], Job]]:
    """Run a job to its end as the worker does, in a forked child, and return how it ended."""
    workers: list[Worker] = []

    def run(workspace: Workspace, job: Job, seconds: float = 240) -> Job:
        sys.modules["__main__"] = ModuleType("__main__")
        worker = Worker(workspace.settings)
        workers.append(worker)
        end = time.monotonic() + seconds
        while (now := jobs.get(workspace, job.id)).live:
            assert time.monotonic() < end, f"job {job.id} ({job.kind}) did not end: {now}"
            worker.work()
            time.sleep(0.02)
        return now

    yield run
    for worker in workers:
        for one in worker.running:
            one.child.kill()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything should be able to run (SIGNALBOX_NO_SKIPS), a skipped test fails the run.

    A real workspace is nothing that should be there: the same walk runs on the emulated one.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter and os.environ.get("SIGNALBOX_NO_SKIPS") else []
    if any(not one.nodeid.startswith("tests/live/") for one in skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
