"""An agent is asked in an empty environment; where no package index can be reached, that is said."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import pytest

from services import agents, jobs, prompts
from services.agents import clean
from services.errors import ForbiddenError, NotReadyError
from services.jobs import Work
from services.people import Role
from services.processes import packages
from tests.standing import logged


@pytest.fixture
def job(workspace):
    prompts.save(workspace, "greeting", "Be brief.", "")
    model_id = logged(workspace, "greeting")
    folder = Path(urlparse(workspace.client.get_logged_model(model_id).artifact_location).path)
    (folder / "requirements.txt").write_text("mlflow==3.17.2\n")
    return clean.submit(workspace, model_id)


def test_without_a_package_index_the_check_says_so_and_keeps_what_was_printed(workspace, job, tmp_path, monkeypatch):
    nowhere = "http://127.0.0.1:9/simple"
    index = {"UV_INDEX_URL": nowhere, "PIP_INDEX_URL": nowhere, "UV_CACHE_DIR": str(tmp_path), "UV_HTTP_RETRIES": "0"}
    monkeypatch.setattr(packages, "INDEX", index)
    work = Work(workspace.engine, jobs.claim(workspace.engine))
    with pytest.raises(NotReadyError, match="no package index can be reached from here"):
        clean.run(workspace, work)
    assert "mlflow" in agents.said(jobs.get(workspace, job.id))


def test_one_check_of_an_agent_at_a_time(workspace, job):
    assert clean.submit(workspace, job.args["model_id"]).id == job.id


def test_a_viewer_cannot_have_code_run(workspace, job):
    viewer = replace(workspace, actor=replace(workspace.actor, roles=frozenset({Role.VIEWER})))
    with pytest.raises(ForbiddenError):
        clean.submit(viewer, job.args["model_id"])
