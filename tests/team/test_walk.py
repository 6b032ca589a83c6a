"""The team set-up on real parts: PostgreSQL, an MLflow server on it, and the console as its image would start it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
import requests

from services import apps, audit, datasets, people, readmodel, sample
from services import settings as settings_module
from services.operations import doctor
from services.operations.doctor import Level
from services.readmodel.api_history import ApiHistory
from services.readmodel.sql_history import SqlHistory, engine_of
from services.releases import State
from services.workspace import Workspace, connect
from tests.conftest import free_port
from tests.postgresql import MLFLOW_PASSWORD, PASSWORD
from tests.team.files import ROOT, compose, copied, environment
from tests.train.conftest import Train

pytestmark = pytest.mark.timeout(900)  # real processes, on whatever machine

TOKEN = "a-token-of-the-metrics"
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


def started(command, environ, folder, log):
    kept = {name: value for name in PASSED_ON if (value := os.environ.get(name))}
    with log.open("wb") as output:
        return subprocess.Popen(
            command, env=kept | environ, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def until_it_answers(url, process, log, seconds=240):
    end = time.monotonic() + seconds
    while True:
        assert process.poll() is None and time.monotonic() < end, log.read_text("utf-8", "replace")[-4_000:]
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(90)


@pytest.fixture
def tracking(postgresql, tmp_path):
    """The MLflow server by the command of compose.yaml, with this machine's addresses."""
    port, log = free_port(), tmp_path / "mlflow.log"
    changed = (
        ("@database/", f"@127.0.0.1:{postgresql.port}/"),
        ("=/data/", f"={tmp_path}/"),
        ("--port=5000", f"--port={port}"),
        ("127.0.0.1:5000", f"127.0.0.1:{port}"),
    )
    command = list(compose()["services"]["mlflow"]["command"])
    for old, new in changed:
        command = [one.replace(old, new) for one in command]
    environ = environment("mlflow", {"MLFLOW_DATABASE_PASSWORD": MLFLOW_PASSWORD})
    process = started([str(Path(sys.executable).with_name(command[0])), *command[1:]], environ, tmp_path, log)
    until_it_answers(f"http://127.0.0.1:{port}/health", process, log)
    yield f"http://127.0.0.1:{port}"
    stop(process)


@pytest.fixture
def environ(postgresql, tracking, tmp_path):
    """The console's environment by compose.yaml, with this machine's addresses."""
    (tmp_path / "roles.toml").write_text(
        '[roles]\nviewer = ["ada@x"]\nauthor = ["ada@x"]\napprover = ["ada@x"]\nadmin = ["ada@x"]\n'
    )
    known = {"CONSOLE_DATABASE_PASSWORD": PASSWORD, "SIGNALBOX_METRICS_TOKEN": TOKEN}
    here = {
        "SIGNALBOX_HOME": str(tmp_path / "data"),
        "SIGNALBOX_PORT": str(free_port()),
        "SIGNALBOX_GATEWAY_PORT": str(free_port()),
        "SIGNALBOX_ROLES_FILE": str(tmp_path / "roles.toml"),
        "MLFLOW_TRACKING_URI": tracking,
    }
    held = environment("console", known) | here
    held["SIGNALBOX_DATABASE_URL"] = held["SIGNALBOX_DATABASE_URL"].replace(
        "@database/", f"@127.0.0.1:{postgresql.port}/"
    )
    return held


@pytest.fixture
def console(environ, tmp_path):
    """The console from what the image holds, and nothing else of this folder."""
    for source, target in copied().items():
        place = tmp_path / "app" / target
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, place) if place.parent.exists() else (
            place.parent.mkdir(parents=True),
            copy(ROOT / source, place),
        )
    log = tmp_path / "console.log"
    process = started([sys.executable, "app.py"], environ, tmp_path / "app", log)
    url = f"http://127.0.0.1:{environ['SIGNALBOX_PORT']}"
    until_it_answers(f"{url}/api/ready", process, log)
    yield url
    stop(process)


@pytest.fixture
def workspace(console, settings, environ):
    """Ada, whom the proxy has signed in, on the sample app with six questions."""
    place = Workspace(connect(settings_module.load(environ)), people.identify(settings, {"X-Forwarded-Email": "ada@x"}))
    place = place.for_app(apps.get(place, sample.app().id))
    rows = datasets.rows(place, str(place.app.dataset_id))[:6]
    apps.choose_dataset(place, datasets.create(place, "Six questions", rows).id)
    apps.save_gate(place, apps.Gate({"mentions company": 0.5}, rows=6))
    return place.for_app(apps.get(place, place.app.id))


def test_a_team_evaluates_and_releases(workspace, console, environ, postgresql, tmp_path, monkeypatch):
    """From the first prompt to the proven release, by the worker that the console started; then everything is looked at."""
    train = Train(workspace)
    first = train.prompts()[0]
    agent = train.agent(first)
    assert train.evaluate(agent, first).finished
    released = train.release(agent, first)
    assert (released.state, released.proof.prompt_version) == (State.LIVE, first)

    # The traces as the server's API tells them are the rows of its database, which nobody here reads directly.
    by_api, window = ApiHistory(), (0, 4_000_000_000_000)
    assert isinstance(readmodel.source.of(workspace), ApiHistory)
    monkeypatch.setenv("PGPASSWORD", MLFLOW_PASSWORD)
    directly = SqlHistory(engine_of(f"postgresql+psycopg://mlflow@127.0.0.1:{postgresql.port}/mlflow"))
    told = sorted(by_api.facts(workspace, *window), key=lambda one: one.trace_id)
    assert told and told == sorted(directly.facts(workspace, *window), key=lambda one: one.trace_id)
    assert directly.prints(workspace, 0).keys() == by_api.prints(workspace, 0).keys()

    assert requests.get(f"{console}/api/metrics", timeout=30).status_code == 401
    metrics = requests.get(f"{console}/api/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).text
    assert "signalbox_ready 1" in metrics and 'signalbox_releases{state="live"} 1' in metrics
    assert requests.get(console, timeout=30).status_code == 401, "without the proxy nobody comes in"

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    wrong = [str(one.seen.what) for one in doctor.examine(environ) if one.seen.level is Level.WRONG]
    assert not [one for one in wrong if "packages" not in one], wrong
    assert audit.broken_at(workspace.engine) is None
    assert mlflow.get_tracking_uri() == environ["MLFLOW_TRACKING_URI"]

    logs = list((tmp_path / "data" / "logs").glob("*.log"))
    said = "".join(one.read_text("utf-8") for one in [*logs, tmp_path / "console.log"])
    assert not any(word in said for word in (PASSWORD, MLFLOW_PASSWORD, TOKEN))
    assert all(
        json.loads(line)["level"] for one in logs if one.name == "web.log" for line in one.read_text().splitlines()
    )
