"""How a job's child gets to its platform: through an outage, up to a refusal."""

import os

import pytest

from services import apps, jobs
from services import settings as settings_module
from services.errors import PlatformError
from services.jobs import State
from services.processes import child


@pytest.fixture
def claimed(databricks_workspace):
    """A job of an app on a workspace, just begun."""
    form = apps.AppForm(id="support", name="Support", company="Acme", model="m", endpoint="support")
    workspace = databricks_workspace.for_app(apps.create(databricks_workspace, form))
    jobs.submit(workspace, "try_agent", {})
    return workspace, jobs.claim(workspace.engine)


def test_an_outage_of_the_workspace_is_waited_out(claimed, databricks, monkeypatch):
    workspace, job = claimed
    monkeypatch.setattr(child, "PAUSES_TO_CONNECT", (0.1, 0.2))
    databricks.fault("/scim/v2/Me", status=503, times=2)
    assert child._connected(workspace.settings, job) is not None
    databricks.fault("/scim/v2/Me", status=503)
    with pytest.raises(PlatformError):
        child._connected(workspace.settings, job)
    assert jobs.get(workspace, job.id).state is State.RUNNING
    jobs.cancel(workspace, job.id)
    assert child._connected(workspace.settings, job) is None
    assert jobs.get(workspace, job.id).state is State.CANCELLED


def test_what_a_workspace_refuses_is_no_defect_of_the_console(claimed, databricks):
    workspace, job = claimed
    databricks.fault("/scim/v2/Me", status=403)
    assert child._connected(workspace.settings, job) is None
    failed = jobs.get(workspace, job.id)
    assert failed.state is State.FAILED and "defect" not in str(failed.error)


def test_what_runs_in_a_job_sees_how_a_database_is_checked_and_no_password(settings, monkeypatch):
    environ = {"PATH": "/bin", "PGSSLMODE": "verify-full", "PGPASSWORD": "x", "SIGNALBOX_COOKIE_SECRET": "x"}
    monkeypatch.setattr(child.os, "environ", environ)
    child._forget_environment(settings)
    assert environ.keys() - settings.model_environment.keys() == {"PATH", "PGSSLMODE"}


def test_a_job_asks_models_with_the_token_of_a_service_principal(databricks_environ, databricks_settings, monkeypatch):
    monkeypatch.delenv("DATABRICKS_TOKEN")
    principal = {"DATABRICKS_CLIENT_ID": "sp-client-id", "DATABRICKS_CLIENT_SECRET": "sp-client-secret"}
    for name, value in principal.items():
        monkeypatch.setenv(name, value)
    del databricks_environ["DATABRICKS_TOKEN"]
    child._forget_environment(settings_module.load(databricks_environ | principal))
    assert os.environ["OPENAI_API_KEY"].startswith("eyJ.") and "SIGNALBOX_HOME" not in os.environ
