"""All prompts of the app: find one and open it."""

import streamlit as st

from pages.components import session
from pages.components.prompts import opening
from services import audit
from services.audit import Verb
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, names: list[str]) -> None:
    st.button(
        _("New prompt"),
        icon=":material/add:",
        key="new-prompt",
        on_click=opening.open_new,
        disabled=not audit.allowed(workspace, Verb.SAVE_PROMPT),
    )
    for name in names:
        st.button(name, key=f"open-{name}", on_click=opening.open_prompt, args=(name,), type="tertiary")
