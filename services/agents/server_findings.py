"""What can be wrong with an MCP server and its tools, in words, each with how to mend it."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.agents.checking.findings import Finding
from services.messages import Message
from services.secrets import masked

LONGEST = 300
WHY = Message("The model is told of the tools that a server offers when the agent is logged; it would know of none.")
CALLED = Message("The agent calls its tools there while it answers: such a call fails now.")
CHOOSE = Message("Name fewer in “Only these tools”.")


def failed(server: Mapping[str, Any], kind: str, reason: str) -> Finding:
    """A server that told nothing of its tools."""
    name, why = server["name"], masked(reason)[:LONGEST]
    match kind:
        case "absent":
            what = Message("The MCP server {name} cannot be reached: {reason}", name=name, reason=why)
            mend = Message("Check that it runs, that its address is right, and that this machine may reach it.")
        case "unknown":
            what = Message("There is no MCP server at the address of {name}. {reason}", name=name, reason=why)
            mend = Message("Ask who runs it for the whole address; many end in /mcp.")
        case "refused":
            what = Message("The MCP server {name} does not let the agent in. {reason}", name=name, reason=why)
            mend = _let_in(server)
        case "slow":
            what = Message("The MCP server {name} is too slow. {reason}", name=name, reason=why)
            mend = Message("Ask who runs it; the agent would let people wait as long.")
        case "unset":
            what = Message(
                "{name}: the environment variable {variable} is not set where the console runs.",
                name=name,
                variable=server["variable"],
            )
            mend = Message(
                "Set it there, for example in the file .env, and start the console again. For an agent on Databricks, set "
                "it on the Apps screen under Environments too, to a secret such as {example}.",
                example="{{secrets/scope/key}}",
            )
        case "unfit":
            what = Message(
                "{name}: the value of {variable} cannot be sent in a header.", name=name, variable=server["variable"]
            )
            mend = Message(
                "Set it to one line of letters, digits and signs without accents, then start the console again."
            )
        case _:
            what = Message("{name} does not answer as an MCP server does: {reason}", name=name, reason=why)
            mend = Message("Check the address: it must be one for MCP over streamable HTTP.")
    return Finding(what, WHY, mend, blocking=True)


def _let_in(server: Mapping[str, Any]) -> Message:
    if server["variable"]:
        return Message(
            "Check the value of {variable} and the header {header}: the key may be an old one.",
            variable=server["variable"],
            header=server["header"],
        )
    return Message("Name the environment variable that has its key.")


def no_tools(server: Mapping[str, Any]) -> Finding:
    return Finding(
        Message("The MCP server {name} offers no tool.", name=server["name"]),
        WHY,
        Message("Take it away, or ask who runs it."),
        blocking=True,
    )


def not_offered(server: Mapping[str, Any], names: Sequence[str]) -> Finding:
    return Finding(
        Message("The MCP server {name} does not offer: {tools}.", name=server["name"], tools=", ".join(names)),
        WHY,
        Message("Correct “Only these tools”, or leave it empty for all of them."),
        blocking=True,
    )


def too_large(server: Mapping[str, Any], tool: str) -> Finding:
    return Finding(
        Message("{name}: the description of what {tool} is given is too large.", name=server["name"], tool=tool),
        Message("The model reads it with every question: that costs time and money each time."),
        Message("Leave it out: name the others in “Only these tools”."),
        blocking=True,
    )


def too_many(count: int, most: int) -> Finding:
    return Finding(
        Message("The MCP servers offer {n} tools; {limit} are allowed.", n=count, limit=most),
        Message("Models choose badly among many, and read all of them with every question."),
        CHOOSE,
        blocking=True,
    )


def same_name(name: str) -> Finding:
    return Finding(
        Message("Two tools have the name {name}.", name=name),
        Message("The model could not say which of them it means."),
        Message("Give the MCP server another name, or leave one of the tools out."),
        blocking=True,
    )


def acting(names: Sequence[str]) -> tuple[Finding, ...]:
    """Tools that this version lets run by themselves although their server no longer says that they only read."""
    if not names:
        return ()
    what = Message("They may change something now, and run without a person's yes: {tools}.", tools=", ".join(names))
    why = Message("When this version was logged, the server said that they only read.")
    return (Finding(what, why, Message("Log a new version of the agent: there they wait for a yes. Release it soon.")),)


def differences(gone: Sequence[str], other: Sequence[str], new: Sequence[str]) -> tuple[Finding, ...]:
    """What servers offer otherwise than when the agent was logged; nothing of it stops the agent."""
    why = Message("The model is told what stood there when this version was logged.")
    again = Message("Log a new version of the agent, evaluate it, then release it.")
    told = (
        (gone, Message("No longer offered: {tools}.", tools=", ".join(gone))),
        (other, Message("Described otherwise than when the agent was logged: {tools}.", tools=", ".join(other))),
        (new, Message("Offered now, and unknown to this version: {tools}.", tools=", ".join(new))),
    )
    return tuple(Finding(what, why, again) for names, what in told if names)
