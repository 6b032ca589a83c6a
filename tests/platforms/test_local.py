"""The local platform: rows in the console's database, and real answers through a real gateway."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from sqlalchemy import select

from services import jobs
from services.database import served, writing
from services.errors import ConflictError, InvalidInputError, NotFoundError, NotReadyError, PlatformError
from services.platforms import MonitoredScorer, ServedState
from services.platforms.local import LocalScoring, LocalServing
from services.platforms.wire import deltas
from services.workspace import Workspace
from tests.processes.stand import CONFIG, answers, log, wait_until

HELLO: dict[str, Any] = {
    "input": [{"role": "user", "content": "Hello"}],
    "custom_inputs": {"signalbox_origin": "smoke"},
}
AGENT = Path("services/logged/responses_agent.py")


@pytest.fixture
def serving() -> LocalServing:
    return LocalServing()


def become(workspace: Workspace, version: int, state: ServedState) -> None:
    """What the gateway would write."""
    with writing(workspace.engine) as connection:
        connection.execute(served.update().where(served.c.version == version).values(state=state.value))


def revision(workspace: Workspace, version: int = 1) -> int:
    with workspace.engine.connect() as connection:
        return int(connection.execute(select(served.c.revision).where(served.c.version == version)).scalar_one())


def test_a_deployed_version_takes_no_traffic(workspace: Workspace, serving: LocalServing) -> None:
    serving.deploy(workspace, "support", 1, "m-1", {})

    endpoint = serving.endpoint(workspace, "support")
    assert endpoint is not None
    assert [(one.version, one.weight, one.state) for one in endpoint.versions] == [(1, 0, ServedState.STARTING)]
    assert endpoint.live == ()


def test_deploying_again_changes_nothing(workspace: Workspace, serving: LocalServing) -> None:
    serving.deploy(workspace, "support", 1, "m-1", {"prompt_version": "2"})
    become(workspace, 1, ServedState.READY)
    serving.deploy(workspace, "support", 1, "m-1", {"prompt_version": "2"})
    assert revision(workspace) == 1

    become(workspace, 1, ServedState.FAILED)
    serving.deploy(workspace, "support", 1, "m-1", {"prompt_version": "2"})
    assert revision(workspace) == 2


def test_another_agent_under_the_same_number_is_refused(workspace: Workspace, serving: LocalServing) -> None:
    serving.deploy(workspace, "support", 1, "m-1", {})
    with pytest.raises(ConflictError):
        serving.deploy(workspace, "support", 1, "m-2", {})


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        ({1: 90}, InvalidInputError),
        ({1: 110, 2: -10}, InvalidInputError),
        ({2: 100}, NotReadyError),
        ({3: 100}, NotReadyError),
    ],
)
def test_wrong_shares_move_nothing(
    workspace: Workspace, serving: LocalServing, weights: dict[int, int], error: type[Exception]
) -> None:
    for version in (1, 2):
        serving.deploy(workspace, "support", version, f"m-{version}", {})
    become(workspace, 1, ServedState.READY)

    with pytest.raises(error):
        serving.shift(workspace, "support", weights)
    assert [one.weight for one in serving.endpoint(workspace, "support").versions] == [0, 0]  # type: ignore[union-attr]


def test_the_whole_traffic_moves_at_once(workspace: Workspace, serving: LocalServing) -> None:
    for version in (1, 2):
        serving.deploy(workspace, "support", version, f"m-{version}", {})
        become(workspace, version, ServedState.READY)
    serving.shift(workspace, "support", {1: 100})
    serving.shift(workspace, "support", {2: 100})

    endpoint = serving.endpoint(workspace, "support")
    assert {one.version: one.weight for one in endpoint.versions} == {1: 0, 2: 100}  # type: ignore[union-attr]


def test_a_version_with_traffic_is_not_retired(workspace: Workspace, serving: LocalServing) -> None:
    serving.deploy(workspace, "support", 1, "m-1", {})
    become(workspace, 1, ServedState.READY)
    serving.shift(workspace, "support", {1: 100})
    with pytest.raises(ConflictError):
        serving.retire(workspace, "support", 1)


def test_a_retired_version_is_gone(workspace: Workspace, serving: LocalServing) -> None:
    serving.deploy(workspace, "support", 1, "m-1", {})
    serving.retire(workspace, "support", 1)

    assert serving.endpoint(workspace, "support") is None
    with pytest.raises(NotFoundError):
        serving.shift(workspace, "support", {1: 100})


def test_a_gateway_that_is_down_is_told(workspace: Workspace, serving: LocalServing) -> None:
    with pytest.raises(PlatformError) as raised:
        serving.ask(workspace, "support", HELLO)
    assert raised.value.retryable


def test_a_stream_that_breaks_off_says_why() -> None:
    lines = [
        'data: {"type": "response.output_text.delta", "delta": "Hel", "item_id": "a"}',
        "",
        'data: {"databricks_output": {"error": {"message": "The model is busy (429)."}}}',
        "data: [DONE]",
    ]

    *text, last = deltas(iter(lines))

    assert [delta.text for delta in text] == ["Hel"]
    assert last.done
    assert "busy" in str(last.error)


def test_an_item_that_was_not_streamed_arrives_whole() -> None:
    line = (
        'data: {"type": "response.output_item.done", "item": {"type": "message", "id": "a", '
        '"content": [{"type": "output_text", "text": "Hello"}]}}'
    )

    assert [delta.text for delta in deltas(iter([line]))] == ["Hello", ""]


def test_an_answer_that_the_token_limit_cut_is_marked() -> None:
    line = (
        'data: {"type": "response.output_item.done", "custom_outputs": {"finish_reason": "length"}, '
        '"item": {"type": "message", "id": "a", "content": [{"type": "output_text", "text": "Hel"}]}}'
    )

    assert [delta.cut for delta in deltas(iter([line]))] == [False, True]


def test_scorers_are_a_setting_and_a_recurring_job(workspace: Workspace) -> None:
    scoring = LocalScoring()
    scorers = [MonitoredScorer("short", 1, 0.5, True)]
    scoring.apply(workspace, scorers)
    scoring.apply(workspace, scorers)

    assert scoring.status(workspace) == scorers
    assert [(job.kind, job.recurring) for job in jobs.recent(workspace)] == [("score_live", True)]


# With the real processes


@pytest.fixture
def gateway(workspace: Workspace) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "services.processes.gateway"], env=dict(os.environ))
    wait_until(lambda: answers(f"{workspace.settings.gateway_url}/health"), 60)
    yield
    process.terminate()
    process.wait(40)


@pytest.fixture
def agent(workspace: Workspace, gateway: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """An agent logged with the practice model answering."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)
    monkeypatch.setenv("OPENAI_BASE_URL", str(workspace.settings.llm_base_url))
    monkeypatch.setenv("OPENAI_API_KEY", "practice")
    mlflow.genai.register_prompt("support", "You are a polite agent for {{company_name}}. Answer in one sentence.")
    mlflow.genai.set_prompt_alias("support", "production", 1)
    return log(workspace.settings, AGENT, CONFIG | {"llm_model": "practice"})


def test_a_deployed_agent_answers_and_streams(workspace: Workspace, serving: LocalServing, agent: str) -> None:
    serving.deploy(workspace, "support", 1, agent, {})
    wait_until(lambda: serving.endpoint(workspace, "support").version(1).ready, 90)  # type: ignore[union-attr]

    smoke = serving.ask(workspace, "support", HELLO, version=1)
    assert smoke.text
    assert (smoke.prompt_name, smoke.prompt_version, smoke.model) == ("support", 1, "practice")
    with pytest.raises(PlatformError, match="share of the traffic"):
        serving.ask(workspace, "support", HELLO)

    serving.shift(workspace, "support", {1: 100})
    *pieces, last = serving.stream(workspace, "support", HELLO)
    assert "".join(piece.text for piece in pieces)
    assert last.error is None
    assert last.trace_id not in (None, smoke.trace_id)


def test_tools_arrive_beside_the_text():
    call = {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "weather", "arguments": "{}"}
    events = [
        {"type": "response.output_item.done", "item": call},
        {"type": "response.output_text.delta", "item_id": "m", "delta": "Rain."},
    ]
    tool, text, last = deltas(iter([f"data: {json.dumps(event)}" for event in events]))
    assert (tool.items, tool.text, text.text, last.done) == ((call,), "", "Rain.", True)
