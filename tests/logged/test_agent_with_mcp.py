"""The logged agent with an MCP server, loaded as MLflow loads it: a real server on this machine, a stub model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.pyfunc import PyFuncModel

from services.agents import offers, servers, shipping
from services.workspace import Workspace
from tests.logged.test_agent_with_tools import FILE, ask, last_read, types
from tests.mcp_server import SmallServer, mcp_server
from tests.stub_model import StubModel


@pytest.fixture(scope="module")
def running() -> Iterator[SmallServer]:
    with mcp_server() as told:
        yield told


@pytest.fixture
def crm(running: SmallServer, monkeypatch: pytest.MonkeyPatch) -> SmallServer:
    monkeypatch.setenv("AGENT_CRM_TOKEN", "letmein")
    running.key = "Bearer letmein"
    running.cancelled.clear()
    return running


@pytest.fixture
def agent(
    workspace: Workspace, model: StubModel, crm: SmallServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> PyFuncModel:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)
    mlflow.genai.register_prompt("support", "Be kind.")
    mlflow.genai.set_prompt_alias("support", "production", 1)
    config = {"prompt_name": "support", "llm_model": "m", "prompt_cache_seconds": 0}
    arguments: dict[str, Any] = {"model_config": config}
    rows = [
        servers.row("crm", crm.url, "AGENT_CRM_TOKEN", seconds=60),
        servers.row("hasty", crm.url, "AGENT_CRM_TOKEN", only="search", seconds=60),
    ]
    offer = offers.offered(rows)
    assert not offer.findings
    rows[1]["seconds"] = 2
    shipping.load_tools(tmp_path, "", offer.tools, arguments, rows)
    made = mlflow.pyfunc.log_model(name="agent", python_model=str(FILE), pip_requirements=["mlflow"], **arguments)
    return mlflow.pyfunc.load_model(made.model_uri)


def test_its_tools_run_a_change_waits_for_a_yes_and_failures_are_told_to_the_model(
    agent: PyFuncModel, model: StubModel, crm: SmallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.tool_calls = [[("crm_find_order", '{"number": "A1"}'), ("crm_find_order", '{"number": "ghost"}')]]
    items, _ = ask(agent, False)
    assert types(items) == ["function_call", "function_call_output"] * 2 + ["message"]
    outputs = [one["output"] for one in items if one["type"] == "function_call_output"]
    assert outputs[0] == "A1 is on its way" and outputs[1].startswith("The tool failed:")
    assert crm.seen[-1] == "Bearer letmein"
    told = {one["function"]["name"]: one["function"] for one in model.requests[-1]["tools"]}
    assert told.keys() == {"crm_find_order", "crm_cancel_order", "crm_search", "hasty_search"}
    assert told["crm_find_order"]["parameters"]["required"] == ["number"]

    model.tool_calls = [[("crm_cancel_order", '{"number": "A1"}')]]
    items, _ = ask(agent, True)
    assert types(items) == ["mcp_approval_request"] and items[0]["server_label"] == "crm" and not crm.cancelled
    said = {"type": "mcp_approval_response", "approval_request_id": items[0]["id"], "approve": False}
    assert types(ask(agent, True, *items, said)[0]) == ["message"] and not crm.cancelled
    said["approve"] = True
    assert types(ask(agent, True, *items, said)[0]) == ["function_call", "function_call_output", "message"]
    assert crm.cancelled == ["A1"] and last_read(model) == "cancelled A1"

    for key, reason in (("old", "401"), ("", "AGENT_CRM_TOKEN is not set")):
        monkeypatch.setenv("AGENT_CRM_TOKEN", key)
        model.tool_calls = [[("crm_find_order", '{"number": "A1"}')]]
        items, _ = ask(agent, False)
        assert types(items)[-1] == "message" and reason in items[1]["output"]

    mlflow.flush_trace_async_logging()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id(thread_local=True))
    assert [(one.span_type, one.status.status_code) for one in trace.data.spans if one.name == "crm_find_order"] == [
        ("TOOL", "ERROR")
    ]


def test_a_long_tool_tells_how_far_it_is_and_ends_in_its_time(agent: PyFuncModel, model: StubModel) -> None:
    model.tool_calls = [[("crm_search", '{"pages": 2}')]]
    events = list(agent.predict_stream({"input": [{"role": "user", "content": "Hello"}]}))
    steps = [one for one in events if one["type"] == "response.mcp_call.in_progress"]
    assert [(one["message"], one["progress"], one["total"]) for one in steps] == [("page 1", 1, 2), ("page 2", 2, 2)]
    assert events.index(steps[0]) > [one["type"] for one in events].index("response.output_item.done")

    model.tool_calls = [[("hasty_search", '{"pages": 1, "seconds": 60}')]]
    items, _ = ask(agent, False)
    assert items[1]["output"] == "The tool failed: No answer within 2 seconds."
