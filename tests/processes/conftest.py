"""A data folder with logged agents and a stub model, made once for the tests of the serving processes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from services import settings as settings_module
from services.processes.gateway.child import free_port
from services.workspace import connect
from tests.processes.stand import CONFIG, PLAIN, SILENT, Begin, Shelf, Version, log
from tests.stub_model import StubModel, stub_model


@pytest.fixture(scope="package")
def shelf(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    home = tmp_path_factory.mktemp("shelf") / "home"
    shutil.copytree(migrated_home, home)
    with stub_model() as stub, pytest.MonkeyPatch.context() as patch:
        environ = {
            "SIGNALBOX_HOME": str(home),
            "SIGNALBOX_GATEWAY_PORT": str(free_port()),
            "OPENAI_BASE_URL": stub.url,
            "OPENAI_API_KEY": "stub",
        }
        for name, value in environ.items():
            patch.setenv(name, value)
        settings = settings_module.load(environ)
        connect(settings)
        experiment = mlflow.create_experiment("support", artifact_location=(home / "artifacts").as_uri())
        patch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
        mlflow.genai.register_prompt("support", "You are {{company_name}}.")
        mlflow.genai.set_prompt_alias("support", "production", 1)
        models = {"support": log(settings, Path("services/logged/responses_agent.py"), CONFIG)}
        for name, code in (("plain", PLAIN), ("silent", SILENT)):
            file = home / f"{name}.py"
            file.write_text(code)
            models[name] = log(settings, file, {})
        yield Shelf(settings, experiment, models, stub)


@pytest.fixture(autouse=True)
def connected(request: pytest.FixtureRequest) -> None:
    """MLflow is one per process: a test in between may have connected it to a folder of its own."""
    if "shelf" in request.fixturenames:
        connect(request.getfixturevalue("shelf").settings)


@pytest.fixture
def stub(shelf: Shelf) -> StubModel:
    """The stub model, obedient again and with nothing remembered."""
    shelf.stub.status, shelf.stub.seconds, shelf.stub.between_words = 200, 0.0, 0.0
    shelf.stub.requests.clear()
    shelf.stub.hung_up.clear()
    return shelf.stub


@pytest.fixture(scope="package")
def begin() -> Iterator[Begin]:
    """Start a process whose stdin stays open; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", *arguments], stdin=subprocess.PIPE, env=environ)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="package")
def version(begin: Begin, shelf: Shelf) -> Iterator[Version]:
    return Version(begin, shelf, "support")
