"""Which tools MCP servers offer now, asked from them: for the form, when an agent is logged, and when it is tried."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services import audit, jobs
from services.agents import server_findings as found
from services.agents import servers
from services.agents.checking.findings import Finding
from services.agents.servers import ALWAYS, CHANGING, Row
from services.agents.tools import Tool
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

MOST_TOOLS = 40
LONGEST_TOLD, LARGEST_SCHEMA = 4_000, 20_000


@dataclass(frozen=True)
class Offer:
    """The tools that servers offer now, and what speaks against using them."""

    tools: tuple[Tool, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        return {"tools": [vars(one) for one in self.tools], "findings": [one.to_json() for one in self.findings]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Offer":
        tools = tuple(Tool(**one) for one in stored["tools"])
        return cls(tools, tuple(Finding.from_json(one) for one in stored["findings"]))


def submit(workspace: "Workspace", rows: Sequence[Row]) -> "Job":
    """Queue the question what they offer; the job's result is an Offer."""
    audit.require(workspace, Verb.LOG_AGENT)
    if not rows:
        raise InvalidInputError(Message("No MCP server is named."), Message("Add one with its name and its address."))
    servers.check(rows)
    return jobs.submit(workspace, "ask_servers", {"servers": [dict(one) for one in rows]})


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job behind `submit`."""
    work.progress(0, 1, Message("Asking the servers for their tools"))
    return offered(work.args["servers"]).to_json()


def offered(rows: Sequence[Row], taken: Sequence[str] = ()) -> Offer:
    """Ask every server at the same time; only for a job. `taken`: names of the agent's other tools."""
    if not rows:
        return Offer((), ())
    with ThreadPoolExecutor(len(rows)) as pool:
        answers = list(pool.map(_ask, rows))
    tools = [tool for one in answers for tool in one.tools]
    findings = [finding for one in answers for finding in one.findings]
    names = [*taken, *(one.name for one in tools)]
    twice = sorted({name for name in names if names.count(name) > 1})
    findings += [found.same_name(name) for name in twice]
    if len(tools) > MOST_TOOLS:
        findings.append(found.too_many(len(tools), MOST_TOOLS))
    return Offer(tuple(tools), tuple(findings))


def changed(rows: Sequence[Row], declared: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """What is otherwise now than when the agent was logged with these servers and tools; only for a job."""
    offer = offered(rows)
    if offer.findings:
        return tuple(replace(one, why=found.CALLED) for one in offer.findings)
    now = {one.name: one for one in offer.tools}
    logged = {str(one["name"]): one for one in declared if one.get("server")}
    gone = sorted(logged.keys() - now.keys())
    new = sorted(now.keys() - logged.keys())
    both = sorted(logged.keys() & now.keys())
    acting = [name for name in both if now[name].asks and not logged[name]["asks"]]
    other = [name for name in both if name not in acting and _told(logged[name]) != _told(vars(now[name]))]
    return found.acting(acting) + found.differences(gone, other, new)


def _told(tool: Mapping[str, Any]) -> tuple[Any, ...]:
    return tool["description"], tool["parameters"], tool["asks"]


def _ask(told: Row) -> Offer:
    # It brings a web server along, which only jobs that ask one should pay for.
    from services.logged import signalbox_mcp

    server = signalbox_mcp.Server.of(told)
    try:
        listed = signalbox_mcp.tools(server)
    except signalbox_mcp.ServerError as error:
        return Offer((), (found.failed(told, error.kind, str(error)),))
    missing = sorted({*told["only"]} - {one.name for one in listed})
    if missing:
        return Offer((), (found.not_offered(told, missing),))
    wanted = [one for one in listed if not told["only"] or one.name in told["only"]]
    if not wanted:
        return Offer((), (found.no_tools(told),))
    large = [one.name for one in wanted if len(json.dumps(one.input_schema)) > LARGEST_SCHEMA]
    return Offer(tuple(_tool(told, one) for one in wanted), tuple(found.too_large(told, name) for name in large))


def _tool(told: Row, one: Any) -> Tool:
    """As the model is told; what does not say that it only reads may change something."""
    reads = bool(one.annotations and one.annotations.read_only_hint)
    asks = told["asks"] == ALWAYS or (told["asks"] == CHANGING and not reads)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{told['name']}_{one.name}")[:64]
    described = (one.description or one.title or one.name).strip()[:LONGEST_TOLD]
    # Some models refuse a schema without these two, which a tool that is given nothing may leave out.
    schema = {"type": "object", "properties": {}} | one.input_schema
    return Tool(name, described, schema, asks, told["name"], one.name)
