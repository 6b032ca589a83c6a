"""What the console tells machines: whether it is ready, numbers, and log lines without keys."""

import io
import json
import logging
import os
import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

import app as server
from pages.components import session
from services import audit, jobs
from services.audit import Verb
from services.operations import metrics
from services.processes import heart, logs
from services.processes.guard import IdentityGuard
from services.processes.keeper import Keeper
from services.processes.lock import Lock
from services.processes.timing import Timing

KEY = "sk-thisisasecretkey1234567890"
TOKEN = "a-token-of-sixteen-letters"


@pytest.fixture
def client(workspace, monkeypatch):
    """The server's own routes around a worker whose lock this test holds."""
    keeper = Keeper(workspace.settings, lambda: None, lambda: None)
    monkeypatch.setattr(server.app, "_state", {"keeper": keeper}, raising=False)
    monkeypatch.setattr(session, "platform", lambda: workspace.platform)
    routes = [server.Route("/api/ready", server.ready), server.Route("/api/metrics", server.metrics)]
    monkeypatch.setattr(server, "_ready", lambda: keeper.ready)
    monkeypatch.setattr(server, "_platform", lambda: workspace.platform if keeper.prepared.is_set() else None)
    yield TestClient(Starlette(routes=routes, middleware=[Middleware(Timing), Middleware(IdentityGuard)])), keeper


def test_it_is_not_ready_while_it_migrates_or_the_worker_is_away_or_silent(client, settings):
    asked, keeper = client
    worker = Lock(settings.run_folder / "worker.lock")
    assert worker.acquire()
    assert asked.get("/api/ready").status_code == 503
    keeper.prepared.set()
    assert asked.get("/api/ready").json() == {"ready": True}
    heart.beat(settings)
    assert asked.get("/api/ready").status_code == 200
    os.utime(settings.run_folder / "worker.beat", (1, 1))
    assert asked.get("/api/ready").status_code == 503
    heart.beat(settings)
    worker.release()
    assert asked.get("/api/ready").status_code == 503


def test_metrics_are_there_only_for_who_knows_the_token(client, monkeypatch):
    asked, _keeper = client
    monkeypatch.delenv(metrics.TOKEN, raising=False)
    assert asked.get("/api/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    monkeypatch.setenv(metrics.TOKEN, "too-short")
    assert asked.get("/api/metrics", headers={"Authorization": "Bearer too-short"}).status_code == 404
    monkeypatch.setenv(metrics.TOKEN, TOKEN)
    for wrong in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer é"}):
        assert asked.get("/api/metrics", headers={k: v.encode() for k, v in wrong.items()}).status_code == 401
    told = asked.get("/api/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert told.status_code == 200 and "signalbox_ready 0" in told.text and "signalbox_jobs" not in told.text


def test_metrics_count_work_and_name_nobody(client, workspace, settings, monkeypatch):
    asked, keeper = client
    keeper.prepared.set()
    heart.beat(settings)
    monkeypatch.setenv(metrics.TOKEN, TOKEN)
    jobs.submit(workspace, "evaluate", {"prompt_version": 1})
    with audit.change(workspace, Verb.SAVE_PROMPT, "greeting"):
        pass
    told = asked.get("/api/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    values = dict(line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    assert values['signalbox_jobs{state="waiting"}'] == "1" and values['signalbox_releases{state="live"}'] == "0"
    assert float(values["signalbox_oldest_waiting_job_seconds"]) >= 0
    assert float(values["signalbox_worker_heartbeat_age_seconds"]) < 60
    assert values['signalbox_http_request_seconds_bucket{le="+Inf"}'] == values["signalbox_http_request_seconds_count"]
    assert not re.search("ada|support|greeting|evaluate", told)
    names = [line.split()[2] for line in told.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert all(
        re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.e+-]+', one) for one in told.splitlines() if one[0] != "#"
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_lines_hold_no_key_in_either_form(form, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_SMTP_URL", "smtp://ada:pass-word-1@mail")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter(form))
    monkeypatch.delenv("SIGNALBOX_SMTP_URL")  # as a job forgets it before an agent's code runs
    log = logging.Logger("signalbox.test")
    log.addHandler(handler)
    try:
        raise ValueError(f"refused {KEY}")
    except ValueError:
        log.exception("asked %s\nwith %s", "smtp://ada:pass-word-1@mail", KEY)
    written = stream.getvalue()
    assert KEY not in written and "pass-word-1" not in written and "ValueError: refused …" in written
    if form == "json":
        (line,) = written.splitlines()
        told = json.loads(line)
        assert told["level"] == "ERROR" and told["message"] == "asked …\nwith …" and "Traceback" in told["error"]
