"""The emulated workspace as fixtures: one process for all tests of a run, emptied for each."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow.utils.rest_utils import get_workspace_client

from services import database, people
from services import settings as settings_module
from services.platforms.databricks import files
from services.settings import Settings
from services.workspace import Workspace, connect

ROOT = Path(__file__).parent.parent.parent
TOKEN = "dapi-test"
VIEWER_TOKEN = "dapi-viewer"
CATALOG, SCHEMA = "acme", "llmops"


@dataclass(frozen=True)
class Emulator:
    """The workspace's address and its back door."""

    url: str

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """One call to the emulator's own controls, such as `admin("POST", "/faults", {…})`."""
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/__admin{path}", raw, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def fault(self, path: str, **how: Any) -> None:
        """Answer requests whose path matches with a fault: status, retry_after, times, raw_body, drop, delay_s…"""
        self.admin("POST", "/faults", {"path": path, **how})

    def deny(self, path: str, **how: Any) -> None:
        self.admin("POST", "/denies", {"path": path, **how})

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """What the SDKs asked since the test began, oldest first."""
        return list(self.admin("GET", f"/transcript?path={path}")["entries"])

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.admin("GET", "/state"))

    @property
    def kept(self) -> dict[str, list[str]]:
        """The names of all that somebody would find in the workspace, by kind; what is in the trash is not there."""
        return dict(self.admin("GET", "/kept"))


@pytest.fixture(scope="session")
def emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulating(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@contextmanager
def emulating(folder: Path) -> Iterator[Emulator]:
    """A workspace in a process of its own."""
    port = folder / "port"
    command = [sys.executable, "-m", "tests.workspace", "--port", "0", "--port-file", str(port)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "MLFLOW_"))}
    process = subprocess.Popen([*command, "--catalog", f"{CATALOG}.{SCHEMA}"], cwd=ROOT, env=clean)
    end = time.monotonic() + 60
    while not (port.exists() and port.read_text()):
        assert process.poll() is None and time.monotonic() < end, "the emulator did not start"
        time.sleep(0.05)
    try:
        yield Emulator(f"http://127.0.0.1:{port.read_text()}")
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def databricks(emulator_process: Emulator) -> Emulator:
    """An empty workspace: catalog `acme`, schema `llmops`, an operator and a viewer."""
    return emptied(emulator_process)


def emptied(emulator: Emulator) -> Emulator:
    emulator.admin("POST", "/reset")
    # The emptied workspace counts its experiments from the start again: what is known of one is of another now.
    files._known.clear()
    # … and knows none of the tokens that MLflow keeps from before.
    get_workspace_client.cache_clear()
    return emulator


def on_emulator(emulator: Emulator, environ: dict[str, str]) -> dict[str, str]:
    """The environment of a console on the emulated workspace."""
    return environ | {
        "SIGNALBOX_PLATFORM": "databricks",
        "SIGNALBOX_CATALOG": CATALOG,
        "SIGNALBOX_SCHEMA": SCHEMA,
        "DATABRICKS_HOST": emulator.url,
        "DATABRICKS_TOKEN": TOKEN,
        "DATABRICKS_CONFIG_FILE": os.devnull,
    }


@pytest.fixture
def databricks_environ(databricks: Emulator, environ: dict[str, str]) -> dict[str, str]:
    """The console's environment on the workspace; change it before asking for `databricks_settings`."""
    return on_emulator(databricks, environ)


@contextmanager
def standing_on(environ: dict[str, str]) -> Iterator[Settings]:
    """The settings of a console with that environment, which the process has meanwhile."""
    before = dict(os.environ)
    ours = ("SIGNALBOX_", "OPENAI_", "MLFLOW_", "DATABRICKS_")
    for name in [name for name in os.environ if name.startswith(ours)]:
        del os.environ[name]
    os.environ.update(environ)
    try:
        settings = settings_module.load(environ)
        database.migrate(settings)
        yield settings
    finally:
        # Connecting tells the SDKs by the environment where the workspace is; the next test is elsewhere.
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def databricks_settings(databricks_environ: dict[str, str]) -> Iterator[Settings]:
    with standing_on(databricks_environ) as settings:
        yield settings


@pytest.fixture
def databricks_workspace(databricks_settings: Settings) -> Workspace:
    """Ada on the workspace, before there is an app."""
    return Workspace(connect(databricks_settings), people.identify(databricks_settings, {}))
