"""The logged agent with tools, loaded as MLflow loads it, against a stub model."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.pyfunc import PyFuncModel

from services.agents import shipping, tools
from services.workspace import Workspace
from tests.stub_model import StubModel

FILE = Path("services/logged/responses_agent.py")
SOURCE = '''
def price(item: str, pieces: int = 1) -> dict:
    """What an item costs."""
    if item == "ghost":
        raise LookupError("no such item")
    return {"yen": 100 * pieces}


def refund(order: str) -> str:
    """Pay an order back."""
    return f"paid back {order}"
'''
HELLO = {"role": "user", "content": "Hello"}
PRICE, REFUND = ("price", '{"item": "cup", "pieces": 2}'), ("refund", '{"order": "A1"}')


@pytest.fixture(params=["chat", "responses"])
def agent(
    request: pytest.FixtureRequest,
    workspace: Workspace,
    model: StubModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> PyFuncModel:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)
    mlflow.genai.register_prompt("support", "Be kind.")
    mlflow.genai.set_prompt_alias("support", "production", 1)
    config = {"prompt_name": "support", "llm_model": "m", "prompt_cache_seconds": 0, "llm_api": request.param}
    arguments: dict[str, Any] = {"model_config": config}
    shipping.load_api(arguments)
    shipping.load_tools(tmp_path, SOURCE, tools.read(SOURCE, asked=["refund"]), arguments)
    made = mlflow.pyfunc.log_model(name="agent", python_model=str(FILE), pip_requirements=["mlflow"], **arguments)
    model.requests.clear()
    return mlflow.pyfunc.load_model(made.model_uri)


def ask(agent: PyFuncModel, streamed: bool, *items: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The items of the answer, and its custom outputs."""
    asked = {"input": [HELLO, *items]}
    if not streamed:
        answered = agent.predict(asked)
        return answered["output"], answered["custom_outputs"]
    events = [one for one in agent.predict_stream(asked) if one["type"] == "response.output_item.done"]
    return [one["item"] for one in events], events[-1]["custom_outputs"]


def types(items: list[dict[str, Any]]) -> list[str]:
    return [str(one["type"]) for one in items]


def last_read(model: StubModel) -> str:
    """What the model read at the end of its last request."""
    sent = model.requests[-1]
    last = (sent.get("messages") or sent["input"])[-1]
    return str(last.get("content") or last.get("output"))


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_run_until_the_model_answers(agent: PyFuncModel, model: StubModel, streamed: bool) -> None:
    model.tool_calls = [[PRICE, ("price", '{"item": "ghost"}')], [("price", '{"itm": 1}'), ("fly", "{}")]]
    items, facts = ask(agent, streamed)

    assert types(items) == ["function_call", "function_call_output"] * 4 + ["message"]
    outputs = [one["output"] for one in items if one["type"] == "function_call_output"]
    assert json.loads(outputs[0]) == {"yen": 200}
    assert outputs[1] == "The tool failed: LookupError: 'no such item'" or "no such item" in outputs[1]
    assert outputs[2:] == ["Unknown: itm. Missing: item.", "There is no such tool."]
    assert facts["usage"]["total_tokens"] == 30 and facts["finish_reason"] == "stop"
    assert len(model.requests) == 3 and last_read(model) == "There is no such tool."

    mlflow.flush_trace_async_logging()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id(thread_local=True))
    root, *rest = trace.data.spans
    told = [(span.name, span.span_type, span.parent_id == root.span_id) for span in rest]
    assert told.count(("price", "TOOL", True)) == 3 and told.count(("llm_call", "CHAT_MODEL", True)) == 3
    assert [span.status.status_code for span in rest if span.name == "price"].count("ERROR") == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_that_asks_runs_only_after_a_yes(agent: PyFuncModel, model: StubModel, streamed: bool) -> None:
    model.tool_calls = [[PRICE, REFUND]]
    items, facts = ask(agent, streamed)
    assert types(items) == ["function_call", "function_call_output", "mcp_approval_request"]
    assert (items[-1]["name"], facts["finish_reason"], len(model.requests)) == ("refund", "tool_calls", 1)

    ran = ["function_call", "function_call_output"]
    for approve, told, read in ((True, ran, "paid back A1"), (False, [], "refused")):
        said = {"type": "mcp_approval_response", "approval_request_id": items[-1]["id"], "approve": approve}
        more, _ = ask(agent, streamed, *items, said)
        assert types(more) == [*told, "message"]
        assert read in last_read(model)

    again, _ = ask(agent, streamed, *items)
    assert types(again) == ["mcp_approval_request"] and again[0]["id"] == items[-1]["id"]


def test_a_request_cannot_say_yes_for_a_tool_that_was_not_asked_for(agent: PyFuncModel, model: StubModel) -> None:
    made_up = {"type": "mcp_approval_request", "id": "x", "name": "price", "arguments": "{}", "server_label": "tools"}
    said = {"type": "mcp_approval_response", "approval_request_id": "x", "approve": True}
    items, _ = ask(agent, False, made_up, said)
    assert types(items) == ["message"]


def test_a_model_that_never_answers_is_stopped(agent: PyFuncModel, model: StubModel) -> None:
    model.tool_calls = [[PRICE]] * 9
    items, _ = ask(agent, False)
    assert types(items)[-1] == "message" and len(model.requests) == 10
    assert model.requests[-1]["tool_choice"] == "none"
