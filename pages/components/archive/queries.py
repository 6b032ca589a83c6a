"""Ready queries to copy, with the table's own path."""

import streamlit as st

from pages.components import session
from services import archive
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    found = archive.ready(workspace)
    with st.expander(_("Queries for other tools")):
        st.markdown(_("The table is the folder:"))
        st.code(str(archive.path(workspace)), language=None, wrap_lines=True)
        tool = st.radio(_("Tool"), list(dict.fromkeys(one.tool for one in found)), key="archive-tool", horizontal=True)
        for one in found:
            if one.tool == tool:
                st.markdown(f"**{_(one.title)}**")
                st.code(one.text, language=None, wrap_lines=True)
