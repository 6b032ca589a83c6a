"""MCP servers of the built-in agent: what is refused, what they offer, and an agent that is logged with one and tried."""

import os
import traceback
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import anyio
import databricks.sdk
import httpx2
import mcp_types
import mlflow
import pytest

from services import agents, prompts
from services.agents import AgentForm, offers, servers
from services.agents.comparing import compare
from services.errors import InvalidInputError
from services.jobs import State
from services.logged import signalbox_mcp
from services.processes import child
from services.processes.gateway.child import Wanted, environment
from tests.mcp_server import SmallServer, mcp_server


@pytest.fixture(scope="module")
def crm() -> Iterator[SmallServer]:
    with mcp_server() as told:
        yield told


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("CRM", "https://a.test/mcp"), "cannot be the name of an MCP server"),
        (("crm", "a.test/mcp"), "is no address"),
        (("crm", "https://ann:pass@a.test/mcp"), "a password or key stands in the address"),
        (("crm", "https://a.test/mcp/?tavilyApiKey=abc"), "goes on behind a ? or a #"),
        (("crm", "https://a.test/mcp#abc"), "goes on behind a ? or a #"),
        (
            ("crm", "https://a.test/mcp", "sk-1234567890"),
            "Write a name that begins with AGENT_, such as AGENT_CRM_TOKEN",
        ),
        (("crm", "https://a.test/mcp", "OPENAI_API_KEY"), "Write a name that begins with AGENT_"),
        (("crm", "http://a.test/mcp", "AGENT_TOKEN"), "for everyone to read"),
        (("crm", "https://a.test/mcp", "AGENT_TOKEN", "X Key"), "cannot be a header"),
        (("crm", "https://a.test/mcp", "", "", "", "", 601), "Choose between 1 and 600 seconds"),
        (("crm", "https://a.test/mcp", "", "", "", "", "soon"), "a call cannot last soon seconds"),
    ],
)
def test_what_cannot_be_a_server_is_refused_with_its_reason(row, told):
    with pytest.raises(InvalidInputError) as refused:
        servers.check([servers.row(*row)])
    assert told in f"{refused.value.message} {refused.value.remedy}"


def test_what_they_offer_is_asked_and_what_stands_in_the_way_is_told_with_a_remedy(crm, monkeypatch):
    monkeypatch.setenv("AGENT_CRM", "letmein")
    crm.key = ""
    offer = offers.offered([servers.row("crm", crm.url)])
    assert [(one.name, one.asks) for one in offer.tools] == [
        ("crm_find_order", False),
        ("crm_cancel_order", True),
        ("crm_search", False),
    ]
    never = offers.offered([servers.row("crm", crm.url, asks="never", only="search, cancel_order")])
    assert [(one.name, one.asks) for one in never.tools] == [("crm_cancel_order", False), ("crm_search", False)]

    for value in ("abc\ndef-secret", "abc-é-secret"):
        monkeypatch.setenv("AGENT_CRM", value)
        (finding,) = offers.offered([servers.row("crm", crm.url, "AGENT_CRM")]).findings
        assert "the value of AGENT_CRM cannot be sent in a header" in str(finding.what)
        assert finding.blocking and "abc" not in str(finding.to_json())
    monkeypatch.setenv("AGENT_CRM", "letmein")

    crm.key = "other"
    for row, what, mend in (
        (servers.row("crm", "http://127.0.0.1:9/mcp"), "crm cannot be reached", "Check that it runs"),
        (servers.row("crm", crm.url), "does not let the agent in", "Name the environment variable"),
        (servers.row("crm", crm.url, "AGENT_CRM"), "does not let the agent in", "Check the value of AGENT_CRM"),
        (servers.row("crm", crm.url, "AGENT_NO"), "AGENT_NO is not set", "Set it there"),
    ):
        (finding,) = offers.offered([row]).findings
        assert finding.blocking and what in str(finding.what) and mend in str(finding.mend)
    crm.key = ""
    (finding,) = offers.offered([servers.row("crm", crm.url, only="fly")]).findings
    assert "does not offer: fly" in str(finding.what)
    (finding,) = offers.offered([servers.row("crm", crm.url, only="search")], taken=["crm_search"]).findings
    assert "Two tools have the name crm_search" in str(finding.what)


def test_an_agent_is_logged_with_a_server_tried_and_told_when_the_server_changes(
    model, crm, workspace, finish, monkeypatch
):
    crm.key = ""
    prompts.save(workspace, "support", "Be polite.", "first")

    def form(**changes):
        usual = {"name": "a", "prompt_name": "support", "first_version": 1, "pinned": True, "llm_model": "stub"}
        return AgentForm(**usual | {"servers": [servers.row("crm", crm.url, seconds=30)]} | changes)

    away = finish(workspace, agents.log(workspace, form(servers=[servers.row("crm", "http://127.0.0.1:9/mcp")])))
    assert away.state is State.FAILED
    assert "cannot be reached" in str(agents.checked(away).findings[0].what)
    assert "MCP servers that were asked" in str(agents.checked(away).tried)

    logged = finish(workspace, agents.log(workspace, form()))
    assert logged.state is State.DONE, logged.error
    agent = agents.get(workspace, logged.result["model_id"])
    assert [one["name"] for one in agent.tools] == ["crm_find_order", "crm_cancel_order", "crm_search"]
    place = mlflow.get_logged_model(agent.model_id).artifact_location
    needed = mlflow.artifacts.load_text(f"{place}/requirements.txt")
    assert "mcp==" in needed and "openai==" in needed

    model.tool_calls = [[("crm_find_order", '{"number": "A1"}')]]
    tried = finish(workspace, agents.try_out(workspace, agent.model_id, None, "Where is A1?"))
    assert tried.state is State.DONE, tried.error
    assert [(one["name"], one["output"]) for one in tried.result["steps"]] == [("crm_find_order", "A1 is on its way")]
    assert tried.result["findings"] == []

    def away(*_given):
        raise RuntimeError("no plan for this")

    model.tool_calls = [[("crm_find_order", '{"number": "A1"}')]]
    with monkeypatch.context() as broken:
        broken.setattr(offers, "changed", away)
        kept = finish(workspace, agents.try_out(workspace, agent.model_id, None, "Where is A1?"))
    assert kept.state is State.DONE and kept.result["answer"] and kept.result["findings"] == []

    fewer = {"tools": [one for one in agent.tools if one["name"] != "crm_cancel_order"]}
    other = replace(agent, config={**agent.config, **fewer})
    named = {str(one.name): (str(one.before), one.after) for one in compare(workspace, agent, other).settings}
    assert named["Tool crm_cancel_order"] == ("Cancel an order. (after a yes)", None)
    assert "mcp_servers" not in named and "tools" not in named


def test_what_a_server_changes_after_the_logging_is_told(crm):
    crm.key = ""
    rows = [servers.row("crm", crm.url)]
    declared = [vars(one) for one in offers.offered(rows).tools]
    declared[0] = declared[0] | {"description": "Another."}
    declared[1] = declared[1] | {"name": "crm_fly"}
    told = [str(one.what) for one in offers.changed(rows, declared)]
    assert told == [
        "No longer offered: crm_fly.",
        "Described otherwise than when the agent was logged: crm_find_order.",
        "Offered now, and unknown to this version: crm_cancel_order.",
    ]
    assert not offers.changed(rows, [vars(one) for one in offers.offered(rows).tools])
    declared = [vars(one) for one in offers.offered(rows).tools]
    declared[1] = declared[1] | {"asks": False}
    declared[2] = declared[2] | {"description": "Another."}
    first, second = offers.changed(rows, declared)
    assert str(first.what) == "They may change something now, and run without a person's yes: crm_cancel_order."
    assert str(second.what) == "Described otherwise than when the agent was logged: crm_search."
    (away,) = offers.changed([servers.row("crm", "http://127.0.0.1:9/mcp")], declared)
    assert "cannot be reached" in str(away.what) and "such a call fails now" in str(away.why)


@pytest.mark.parametrize(
    ("url", "host", "own"),
    [
        ("https://ws.test/api/2.0/mcp/functions/a", "https://ws.test", True),
        ("https://WS.test/api/2.0/mcp/functions/a", "https://ws.test", True),
        ("http://evil.test/x?y=/api/2.0/mcp/", "https://ws.test", False),
        ("https://evil.test/api/2.0/mcp/functions/a", "https://ws.test", False),
        ("https://ws.test.evil.test/api/2.0/mcp/functions/a", "https://ws.test", False),
        ("https://ws.test@evil.test/api/2.0/mcp/functions/a", "https://ws.test", False),
        ("https://ws.test/x/api/2.0/mcp/functions/a", "https://ws.test", False),
        ("http://ws.test/api/2.0/mcp/functions/a", "http://ws.test", False),
        ("https://ws.test/api/2.0/mcp/functions/a", "", False),
    ],
)
def test_only_a_server_of_the_workspace_itself_is_sent_the_sign_in_of_the_agent(url, host, own, monkeypatch):
    assert servers.row("ws", url, host=host)["signs_in"] is own
    assert servers.row("ws", url, "AGENT_WS", host=host)["signs_in"] is False
    # Where it runs nobody trusts what was written into it.
    given = SimpleNamespace(config=SimpleNamespace(host=host, authenticate=lambda: {"Authorization": "Bearer x"}))
    monkeypatch.setattr(databricks.sdk, "WorkspaceClient", lambda: given)
    server = signalbox_mcp.Server("ws", url, signs_in=True)
    if own:
        assert server.headers == {"Authorization": "Bearer x"}
    else:
        with pytest.raises(signalbox_mcp.ServerError, match="not among the servers of the workspace"):
            _ = server.headers


def test_what_nobody_foresaw_is_told_without_its_words(crm):
    key = "letmein"

    async def fails(_client):
        raise ValueError("Bearer " + key)

    with pytest.raises(signalbox_mcp.ServerError) as told:
        anyio.run(signalbox_mcp.talked, signalbox_mcp.Server("crm", crm.url), 30.0, fails)
    assert (told.value.kind, str(told.value)) == ("broken", "ValueError")
    assert "letmein" not in "".join(traceback.format_exception(told.value))
    illegal = signalbox_mcp.failure(httpx2.LocalProtocolError("Illegal header value b'Bearer letmein'"), 30.0, 0)
    assert (illegal.kind, str(illegal)) == ("broken", "LocalProtocolError")


def test_a_tool_that_is_given_nothing_is_told_to_the_model_with_a_whole_schema():
    listed = mcp_types.Tool(name="ping", input_schema={"type": "object"})
    assert offers._tool(servers.row("crm", "https://a.test/mcp"), listed).parameters == {
        "type": "object",
        "properties": {},
    }


def test_only_variables_of_agents_reach_a_served_one_and_a_job(settings, monkeypatch):
    monkeypatch.setenv("AGENT_CRM", "letmein")
    monkeypatch.setenv("CRM", "own")
    given = environment(settings, Wanted(1, "support", "support", 1, "m-1", "1", 0, 0, 0, {}, {}))
    assert given["AGENT_CRM"] == "letmein" and "CRM" not in given
    with mock.patch.dict(os.environ):
        child._forget_environment(settings)
        assert os.environ["AGENT_CRM"] == "letmein" and "CRM" not in os.environ
