"""What a person says of an agent version, and the form that changes it."""

import streamlit as st

from pages.components import editor, feedback, session
from services import agents, audit
from services.agents import AgentVersion
from services.agents.describing import LONGEST
from services.audit import Verb
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, agent: AgentVersion) -> None:
    """The description and its form behind a button."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if agent.description:
            st.markdown(editor.as_written(agent.description), width="stretch")
        may = audit.allowed(workspace, Verb.DESCRIBE_AGENT)
        with st.popover(_("Describe"), icon=":material/edit:", key=f"open-describe-{agent.model_id}", disabled=not may):
            st.text_area(
                _("Description"),
                agent.description,
                max_chars=LONGEST,
                key=_key(agent),
                height=120,
                help=_("MLflow's own screens show it, and the registry does as soon as a release registers the agent."),
            )
            st.button(_("Save"), key="describe-agent", on_click=_save, args=(workspace, agent))


def _save(workspace: Workspace, agent: AgentVersion) -> None:
    with feedback.action(Message("The description is saved.")):
        agents.describe(workspace, agent.model_id, str(st.session_state.get(_key(agent)) or ""))


def _key(agent: AgentVersion) -> str:
    return f"describe-{agent.model_id}"
