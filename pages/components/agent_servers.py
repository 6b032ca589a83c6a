"""The MCP servers of the built-in agent: where they are, and on request what they offer now."""

import streamlit as st

from pages.components import agent_checks, agent_tools, feedback, rows, session
from services import audit
from services.agents import offers, servers
from services.agents.offers import Offer
from services.agents.servers import ASKS, SECONDS
from services.audit import Verb
from services.jobs import State
from services.messages import Message, mark
from services.workspace import Workspace

_ = session.text
WAITS = dict(
    zip(
        ASKS,
        (mark("tools that may change something"), mark("every tool"), mark("none: all of them run by themselves")),
        strict=True,
    )
)


def show(workspace: Workspace) -> None:
    """The servers' fields, and a button that asks them."""
    st.caption(
        _(
            "MCP servers offer tools over the network. Each is asked for its tools when the agent is logged; the agent then "
            "calls them where it is served. A key is never written here: name the environment variable that has it."
        )
    )
    rows.show(_key(workspace), _columns(), _add_label(workspace))
    if not _rows(workspace):
        return
    st.button(
        _("See what they offer"),
        icon=":material/travel_explore:",
        key=f"{_key(workspace)}/ask",
        on_click=_ask,
        args=(workspace,),
        disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
    )
    asked = st.session_state.get(f"{_key(workspace)}/job")
    if asked is not None:
        _show_offer(asked)


def read(workspace: Workspace) -> list[dict[str, object]]:
    """The servers that stand there now, as the form of an agent takes them."""
    access = workspace.settings.databricks
    return [servers.row(*one, host=access.host if access else "") for one in _rows(workspace)]


def _rows(workspace: Workspace) -> list[tuple[str, ...]]:
    """A row whose only choice is the one that is made by itself is empty."""
    return [one for one in rows.read(_key(workspace), columns=7) if one[0] or one[1]]


def _add_label(workspace: Workspace) -> str:
    return _("Add another MCP server") if _rows(workspace) else _("Add an MCP server")


def _columns() -> list[rows.Column]:
    return [
        rows.Column(_("Server"), placeholder="crm", width=2),
        rows.Column(_("Address"), placeholder="https://tools.example.com/mcp", width=5),
        rows.Column(
            _("Environment variable with its key"),
            placeholder="AGENT_CRM_TOKEN",
            line=1,
            help=_(
                "Its name begins with AGENT_. It is set where the console runs, for example in the file .env; for an agent on "
                "Databricks, on the Apps screen under Environments, to a secret such as {example}.",
                example="{{secrets/scope/key}}",
            ),
        ),
        rows.Column(_("Header"), placeholder="Authorization", line=1, width=2),
        rows.Column(
            _("What waits for a person's yes"),
            {one: _(WAITS[one]) for one in ASKS},
            line=1,
            help=_(
                "The server itself says which of its tools only read; choose “every tool” for one that you do not trust."
            ),
        ),
        rows.Column(
            _("Only these tools"),
            placeholder=_("all that it offers"),
            line=2,
            width=6,
            help=_("Their names with commas between them."),
        ),
        rows.Column(_("Longest call, in seconds"), placeholder=str(SECONDS), line=2, width=2),
    ]


def _ask(workspace: Workspace) -> None:
    with feedback.action(Message("Asked. What they offer appears below.")):
        st.session_state[f"{_key(workspace)}/job"] = offers.submit(workspace, read(workspace)).id


def _show_offer(job_id: int) -> None:
    job = feedback.job(job_id)
    if job.state is not State.DONE:
        return
    offer = Offer.from_json(job.result)
    for finding in offer.findings:
        agent_checks.show_finding(finding)
    for one in offer.tools:
        agent_tools.show_tool(one)


def _key(workspace: Workspace) -> str:
    return f"agent-servers-{workspace.app.id}"
