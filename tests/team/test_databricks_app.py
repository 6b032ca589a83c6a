"""The console as Databricks Apps starts it: app.yaml's command, the platform's environment, and a database whose password changes."""

import os
import secrets
import shutil
import sys
import time
from pathlib import Path

import httpx2
import pytest
import yaml

from services import apps, datasets, jobs, people
from services import settings as settings_module
from services.apps import AppForm, Gate
from services.datasets import Row, saving, unfinished
from services.people import Role
from services.processes.lock import read
from services.workspace import Workspace, connect
from tests.conftest import free_port
from tests.sign_in.browser import Browser, refused
from tests.team.files import ROOT, copied
from tests.team.test_walk import started, stop, until_it_answers
from tests.workspace.fixture import CATALOG, SCHEMA

pytestmark = pytest.mark.timeout(900)  # real processes, on whatever machine

PRINCIPAL, ENDPOINT = "sp-client-id", "projects/signalbox/branches/production/endpoints/primary"
ADA, VERA = "ada@example.com", "vera@example.com"
KEY_OF_PERSON = "eyJ-the-key-of-a-person-to-the-workspace"
ROLES = f'[roles]\nviewer = ["*"]\nauthor = ["{ADA}"]\nadmin = ["{ADA}", "group:chiefs"]\n'


@pytest.fixture
def change_password(databricks, postgresql):
    """A new password of the principal, as each hour brings one; who is connected with the old one is let go."""

    def change() -> str:
        new = secrets.token_urlsafe(16)
        postgresql.run(f"ALTER ROLE \"{PRINCIPAL}\" PASSWORD '{new}'")
        databricks.admin("POST", "/config", {"lakebase_password": new})
        postgresql.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{PRINCIPAL}'")
        return new

    return change


@pytest.fixture
def database(postgresql, change_password):
    """What the platform makes of a database resource: a role that may connect and make schemas, and no more."""
    name = "databricks_postgres"
    postgresql.run(f'CREATE ROLE "{PRINCIPAL}" LOGIN')
    postgresql.run(f'CREATE DATABASE "{name}" TEMPLATE template1')
    postgresql.run(f'GRANT CONNECT, CREATE ON DATABASE "{name}" TO "{PRINCIPAL}"')
    yield name
    postgresql.drop(name)
    postgresql.run(f'DROP ROLE "{PRINCIPAL}"')


@pytest.fixture
def environ(databricks, database, postgresql, tmp_path):
    """The platform's variables and app.yaml's; only where things lie on this machine is another."""
    port = str(free_port())
    resources = {"postgres": ENDPOINT, "sql-warehouse": "a1b2"}
    given = yaml.safe_load((ROOT / "app.yaml").read_text("utf-8"))["env"]
    own = {one["name"]: one.get("value") or resources[one["valueFrom"]] for one in given}
    return own | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DATABRICKS_APP_NAME": "signalbox",
        "DATABRICKS_APP_PORT": port,
        "DATABRICKS_HOST": databricks.url,
        "DATABRICKS_CLIENT_ID": PRINCIPAL,
        "DATABRICKS_CLIENT_SECRET": "sp-client-secret",
        "PGAPPNAME": "signalbox",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgresql.port),
        "PGUSER": PRINCIPAL,
        "PGDATABASE": database,
        "PGSSLMODE": "prefer",
        "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",
        "STREAMLIT_SERVER_PORT": port,
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_SERVER_ENABLE_CORS": "false",
        "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
        "SIGNALBOX_HOME": str(tmp_path / "disk"),
        "SIGNALBOX_GATEWAY_PORT": str(free_port()),
        "SIGNALBOX_CATALOG": CATALOG,
        "SIGNALBOX_SCHEMA": SCHEMA,
    }


@pytest.fixture
def start(environ, tmp_path):
    """Start the app where its source lies; each start finds an empty disk."""
    folder, running = tmp_path / "app", []
    for source, target in {**copied(), "roles.toml": "roles.toml"}.items():
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if source == "roles.toml":
            place.write_text(ROLES)
        elif (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place)
        else:
            shutil.copy(ROOT / source, place)
    command = yaml.safe_load((ROOT / "app.yaml").read_text("utf-8"))["command"]
    program = shutil.which(command[0], path=environ["PATH"])

    def begin():
        shutil.rmtree(environ["SIGNALBOX_HOME"], ignore_errors=True)
        log = tmp_path / f"printed{len(running)}.log"
        process = started([program, *command[1:]], environ, folder, log)
        running.append(process)
        url = f"http://127.0.0.1:{environ['DATABRICKS_APP_PORT']}"
        until_it_answers(f"{url}/api/ready", process, log)
        return process, url

    yield begin
    for one in running:
        if one.poll() is None:
            stop(one)


def as_(person, **more):
    return {"X-Forwarded-Email": person, "X-Forwarded-User": f"id-of-{person}", **more}


def test_the_console_lives_on_without_its_disk_and_with_new_passwords(
    start, environ, databricks, postgresql, database, change_password, tmp_path, monkeypatch
):
    passwords = [change_password()]
    process, url = start()

    # Who comes by the proxy is known, and who comes around it is nobody.
    assert httpx2.get(url).status_code == 401 and refused(Browser(url))
    ada = Browser(url, as_(ADA, **{"X-Forwarded-Access-Token": KEY_OF_PERSON}))
    assert "Signed in as ada" in ada.open().text
    vera = Browser(url, as_(VERA, **{"X-Forwarded-Groups": "chiefs"}))
    assert "Signed in as vera" in vera.open().text

    # Ada's job is done by the app's own principal, in her name.
    for name in [name for name in os.environ if name.startswith(("SIGNALBOX_", "OPENAI_", "MLFLOW_", "DATABRICKS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path / "app")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings = settings_module.load(environ)
    assert people.identify(settings, as_(VERA, **{"X-Forwarded-Groups": "chiefs"})).roles == {Role.VIEWER}
    place = Workspace(connect(settings), people.identify(settings, as_(ADA)))
    form = AppForm("support", "Support", "Acme", model=settings.model, endpoint="support", gate=Gate({}, rows=1))
    place = place.for_app(apps.create(place, form))
    rows = [Row("", f"Question number {number}?") for number in range(saving.AT_ONCE + 1)]

    def save(name):
        job, end = unfinished.latest(place, saving.create(place, name, rows)), time.monotonic() + 240
        while job.live:
            assert time.monotonic() < end, job
            time.sleep(0.1)
            job = jobs.get(place, job.id)
        return job

    job = save("before")
    assert (job.actor, job.state) == (ADA, jobs.State.DONE)
    assert {one["user"] for one in databricks.requests()} <= {PRINCIPAL, None}

    # An hour later: every connection is gone, and the old password opens none.
    passwords.append(change_password())
    assert save("an_hour_later").state is jobs.State.DONE
    assert "Support" in ada.open("apps").text
    keys_taken = set()
    for name in ("web", "worker"):
        pid = read(settings.run_folder / f"{name}.lock")["pid"]
        keys_taken |= {word for word in (KEY_OF_PERSON, *passwords) if word in Path(f"/proc/{pid}/environ").read_text()}
    assert not keys_taken

    # A new deployment: nothing of the disk is left, everything that was decided is.
    written = [one.read_bytes() for one in (tmp_path / "disk").rglob("*") if one.is_file()]
    stop(process)
    start()
    assert "Support" in Browser(url, as_(ADA)).open("apps").text
    assert {one.name for one in datasets.all(place)} == {"before", "an_hour_later"}

    # Nobody's key is anywhere: not in what was written, printed, or kept in the database.
    dump = tmp_path / "dump.sql"
    postgresql.client("pg_dump", f"--file={dump}", postgresql.url(database).replace("signalbox:", "postgres:"))
    printed = [one.read_bytes() for one in tmp_path.glob("printed*.log")]
    for word in (KEY_OF_PERSON, "sp-client-secret", *passwords):
        assert not any(word.encode() in text for text in (*written, *printed, dump.read_bytes())), word
    # They are what would hold it: the tables with Ada in them, and the worker's word on the lost connections.
    assert b"CREATE TABLE signalbox.event" in dump.read_bytes() and ADA.encode() in dump.read_bytes()
    assert any(b"signalbox.worker" in one for one in printed)
