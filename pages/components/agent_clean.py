"""The last check of an agent version: asked in a clean environment with nothing but its own packages."""

import streamlit as st

from pages.components import agent_logging, feedback, session
from services import agents, audit, jobs
from services.agents import AgentVersion, clean
from services.audit import Verb
from services.jobs import Job, State
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, agent: AgentVersion) -> None:
    """A button, and how the newest such check went."""
    found = [job for job in jobs.recent(workspace, "install_agent", 50) if job.args["model_id"] == agent.model_id]
    with st.expander(_("Last check: a clean environment"), expanded=bool(found and found[0].live)):
        st.caption(
            _(
                "Installs the agent's packages into an empty environment, as a server does, and asks its example there. "
                "It takes minutes and needs a package index."
            )
        )
        st.button(
            _("Try it in a clean environment"),
            key="clean-environment",
            icon=":material/inventory_2:",
            on_click=_submit,
            args=(workspace, agent),
            disabled=not audit.allowed(workspace, Verb.TRY_AGENT) or bool(found and found[0].live),
        )
        if found:
            _show_outcome(found[0])


def _show_outcome(newest: Job) -> None:
    ended = feedback.job(newest.id)
    agent_logging.show_live(ended)
    if ended.state is State.DONE:
        seconds = session.seconds(ended.result["seconds"])
        told = (
            _("It was installed and answered, in {seconds}.", seconds=seconds)
            if ended.result["asked"]
            else _("It was installed and loaded, in {seconds}. It has no example to be asked.", seconds=seconds)
        )
        st.success(told, icon=":material/check_circle:")
    if not ended.live and agents.said(ended):
        st.code(agents.said(ended), language=None, wrap_lines=True, height=240)


def _submit(workspace: Workspace, agent: AgentVersion) -> None:
    with feedback.action(Message("The check is on its way.")):
        clean.submit(workspace, agent.model_id)
