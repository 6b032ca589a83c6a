"""The emergency stop: it needs our own database only, and everyone gets a fixed message."""

from dataclasses import asdict, replace

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from services import audit, jobs, releases
from services.errors import ConflictError, ForbiddenError, InvalidInputError, NotReadyError
from services.people import Actor, Role
from services.platforms import wire
from services.processes.gateway import fallback, records
from services.releases import Kind, Pair, State, offline
from services.workspace import Workspace


def test_it_stops_everyone_without_mlflow_or_a_worker_and_is_brought_back(workspace, monkeypatch):
    monkeypatch.setattr(Workspace, "client", property(lambda self: pytest.fail("MLflow was asked")))
    pair = asdict(Pair(None, None, None))
    id = releases.records.add(workspace, Kind.PROMPT, {"prompt": "greeting", "before": pair, "after": pair}, "")
    releases.records.set_state(workspace, id, State.RUNNING)
    job = jobs.submit(workspace, "release", {"release": id})
    offline.take(workspace, "Please call us.", "it promised refunds")
    assert records.closed(workspace.engine) == {"support": "Please call us."}
    now = offline.state(workspace)
    assert (now.by, now.why, now.message) == ("ada", "it promised refunds", "Please call us.")
    assert not jobs.get(workspace, job.id).live and releases.get(workspace, id).state is State.STOPPED
    with pytest.raises(InvalidInputError):
        offline.bring_back(workspace, "")
    offline.bring_back(workspace, "mended")
    assert (offline.state(workspace), records.closed(workspace.engine)) == (None, {})
    told = [(one.verb, one.actor, one.why) for one in offline.history(workspace)]
    assert told == [("take_offline", "ada", "it promised refunds"), ("bring_back", "ada", "mended")]
    with pytest.raises(ConflictError):
        offline.bring_back(workspace, "again")


@pytest.mark.parametrize(("message", "why"), [("", "why"), ("Hello", " "), ("x" * 2001, "why")])
def test_it_needs_a_message_and_a_reason(workspace, message, why):
    with pytest.raises(InvalidInputError):
        offline.take(workspace, message, why)
    assert offline.state(workspace) is None


def test_only_an_approver_stops_and_only_where_the_platform_can(workspace):
    with pytest.raises(ForbiddenError):
        offline.take(replace(workspace, actor=Actor("bob", frozenset({Role.AUTHOR}))), "Hello", "why")
    serving = workspace.platform.serving
    cannot = type("Serving", (type(serving),), {"rules": replace(serving.rules, fallback=False)})()
    with pytest.raises(NotReadyError, match="cannot answer"):
        offline.take(replace(workspace, platform=replace(workspace.platform, serving=cannot)), "Hello", "why")
    assert audit.of_verbs(workspace, [audit.Verb.TAKE_OFFLINE]) == []


def test_a_first_release_is_taken_back_by_going_offline(workspace):
    with pytest.raises(NotReadyError) as caught:
        releases.roll_back(workspace, "bad answers")
    assert "Take the endpoint offline" in str(caught.value.remedy)


@pytest.mark.parametrize("stream", [False, True])
def test_programs_read_the_message_as_an_answer(stream):
    async def told(request):
        return fallback.answer("Please call us.", stream=stream)

    client = TestClient(Starlette(routes=[Route("/", told, methods=["POST"])]))
    response = client.post("/")
    if stream:
        deltas = list(wire.deltas(iter(response.text.splitlines())))
        assert "".join(one.text for one in deltas) == "Please call us." and deltas[-1].error is None
    else:
        assert wire.answer(response.content, 0.1).text == "Please call us."
        assert response.json()["custom_outputs"] == {"offline": True}
