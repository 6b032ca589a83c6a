"""An agent is asked in an empty environment; where no package index can be reached, that is said."""

import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import mlflow
import pytest

from services import agents, jobs, prompts
from services.agents import clean
from services.agents.printed import Printed
from services.errors import ForbiddenError, NotReadyError, PlatformError
from services.jobs import Work
from services.people import Role
from services.processes import packages
from tests.services.agents import agent_files as files
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


def test_a_package_index_that_never_answers_is_told_as_time_that_ran_out(workspace, job, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        monkeypatch.setattr(
            packages, "INDEX", dict.fromkeys(("UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL"), nowhere)
        )
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
        monkeypatch.setattr(clean, "SECONDS", 5.0)
        with pytest.raises(PlatformError, match="took longer than"):
            clean.run(workspace, Work(workspace.engine, jobs.claim(workspace.engine)))


def test_the_agent_is_asked_there_without_leaving_a_trace(workspace, job, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)
    (tmp_path / "agent.py").write_text(files.RESPONSES)
    request = {"input": [{"role": "user", "content": "Hello there"}]}
    mlflow.pyfunc.save_model(
        str(tmp_path / "model"), python_model=str(tmp_path / "agent.py"), pip_requirements=["mlflow"]
    )
    (tmp_path / "asked.json").write_text(json.dumps(request))
    before = len(workspace.client.search_traces(locations=[workspace.app.experiment_id]))
    work, heard = Work(workspace.engine, jobs.claim(workspace.engine)), Printed()
    clean._ask(work, Path(sys.executable), tmp_path / "model", tmp_path / "asked.json", heard, {})
    assert "Hello there" in heard.text
    assert len(workspace.client.search_traces(locations=[workspace.app.experiment_id])) == before


def test_one_check_of_an_agent_at_a_time(workspace, job):
    assert clean.submit(workspace, job.args["model_id"]).id == job.id


def test_a_viewer_cannot_have_code_run(workspace, job):
    viewer = replace(workspace, actor=replace(workspace.actor, roles=frozenset({Role.VIEWER})))
    with pytest.raises(ForbiddenError):
        clean.submit(viewer, job.args["model_id"])
