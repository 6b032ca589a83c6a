"""What an agent version was logged with: its settings, its packages, its code."""

import pandas as pd
import streamlit as st

from pages.components import session
from pages.components.agent_compare import told
from services.agents import AgentVersion, comparing, facts
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, agent: AgentVersion) -> None:
    """Facts under the names of the form; what was left empty there is not listed."""
    found = {session.say(name): told(value) for name, value in facts.facts(workspace, agent).items()}
    _show_table(found, (_("Setting"), _("Value")))
    st.markdown(f"**{_('Packages')}**")
    packages = {name: told(held) for name, held in comparing.requirements_of(workspace, agent).items()}
    _show_table(packages, (_("Package"), _("Version")))
    code = comparing.code_of(workspace, agent)
    if code:
        with st.expander(_("Code"), icon=":material/code:"):
            st.code(code, "python", line_numbers=True)


def _show_table(found: dict[str, str], titles: tuple[str, str]) -> None:
    if not found:
        st.caption(_("none"))
        return
    st.dataframe(
        pd.DataFrame(found.items(), columns=["name", "value"]),
        hide_index=True,
        height="content",
        column_config={"name": titles[0], "value": titles[1]},
    )
