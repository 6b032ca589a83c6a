"""Log an agent with its prompt, see that its links agree, open one to try it and to compare it."""

import streamlit as st

from pages.components import (
    agent_card,
    agent_checks,
    agent_clean,
    agent_compare,
    agent_description,
    agent_form,
    agent_lineage,
    agent_logging,
    agent_settings,
    agent_try,
    feedback,
    screens,
    session,
    views,
)
from services import agents, jobs, prompts
from services.agents import AgentVersion, traps
from services.jobs import State
from services.messages import Message, mark

_ = session.text
FIRST_SHOWN = 10
VIEWS = {
    "try": (mark("Try it"), agent_try.show),
    "lineage": (mark("From prompt to answers"), lambda place, agent, ready: agent_lineage.show(place, agent)),
    "settings": (mark("Settings"), lambda place, agent, ready: agent_settings.show(place, agent)),
    "compare": (mark("Compare"), agent_compare.show),
}


def open_form() -> None:
    st.query_params.from_dict({"new": "1"})


def open_list() -> None:
    st.query_params.clear()


def choose_view(agent: AgentVersion) -> str:
    titles = {name: title for name, (title, _show) in VIEWS.items()}
    return views.choose(titles, f"agent-view/{agent.model_id}", lambda view: st.query_params.update({"view": view}))


def show_one(found: list[AgentVersion], model_id: str) -> None:
    st.button(_("All agents"), icon=":material/arrow_back:", key="back", on_click=open_list)
    agent = next((one for one in found if one.model_id == model_id), None) or agents.get(workspace, model_id)
    agent_card.show(agent, opens=False)
    if agent.status == "READY":
        agent_description.show(workspace, agent)
        for finding in traps.of_prompt(workspace, agent):
            agent_checks.show_finding(finding)
        agent_clean.show(workspace, agent)
        VIEWS[choose_view(agent)][1](workspace, agent, [one for one in found if one.status == "READY"])


def show_list(found: list[AgentVersion]) -> None:
    everything = len(found) > FIRST_SHOWN and st.toggle(
        _("Show all agent versions ({n})", n=len(found)), key="all-agents"
    )
    for agent in found if everything else found[:FIRST_SHOWN]:
        agent_card.show(agent, opens=True)


def show_logging() -> bool:
    """Progress of the logging that the address names, else of one under way; whether one is under way."""
    recent, asked = jobs.recent(workspace, "log_agent", 50), session.number("job")
    shown = next((job for job in recent if job.id == asked), None) or next((job for job in recent if job.live), None)
    if shown is None:
        return False
    ended = feedback.job(shown.id, Message("The agent is logged. Try it here, evaluate it, then release it."))
    if ended.state is State.DONE:
        st.button(
            _("Open the agent"),
            key="open-logged",
            icon=":material/smart_toy:",
            on_click=agent_card.open_one,
            args=(ended.result["model_id"],),
        )
    agent_logging.show_live(ended)
    report = agents.checked(ended)
    if report and not ended.live:
        agent_checks.show_report(report)
    agent_logging.show_printed(ended)
    return ended.live


workspace = session.workspace()
screens.show_title("agents")
found = agents.versions(workspace)
asked = st.query_params.get("agent")
if asked:
    show_one(found, asked)
    st.stop()
under_way = show_logging()
if "new" in st.query_params or not (found or under_way):
    if found:
        st.button(_("All agents"), icon=":material/arrow_back:", key="back", on_click=open_list)
    agent_form.show(workspace, prompts.names(workspace))
    st.stop()
st.button(_("New agent version"), icon=":material/add:", type="primary", key="new-agent", on_click=open_form)
agent_logging.show_leftovers(workspace, found)
show_list(found)
