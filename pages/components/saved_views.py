"""What a screen shows, kept under a name: a button for each, and a small form. It is drawn into the row around it."""

from collections.abc import Callable

import streamlit as st

from pages.components import feedback, session
from services import audit, views
from services.audit import Verb
from services.messages import Message
from services.views import Choice
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, screen: str, choice: Choice, open: Callable[[Choice], None]) -> None:
    """`choice` is what the address asks for now; `open` puts another one there."""
    saved, may = views.all(workspace, screen), audit.allowed(workspace, Verb.SAVE_VIEW)
    now = {name: list(values) for name, values in choice.items()}
    for one in saved:
        st.button(
            session.escape(one.name),
            key=f"view-of-{one.name}",
            icon=":material/bookmark:",
            type="primary" if one.choice == now else "secondary",
            on_click=open,
            args=(one.choice,),
        )
    with st.popover(_("Save this choice"), icon=":material/bookmark_add:", disabled=not may):
        st.text_input(_("Name"), key="view-name", max_chars=views.LONGEST_NAME)
        st.button(_("Save"), key="save-view", type="primary", on_click=_save, args=(workspace, screen, now))
        for one in saved:
            st.button(
                _("Delete “{name}”", name=session.escape(one.name)),
                key=f"delete-view-{one.name}",
                icon=":material/delete:",
                on_click=_remove,
                args=(workspace, screen, one.name),
            )
        st.caption(_("Saved choices are there for everyone. The address of this page holds the choice too."))


def _save(workspace: Workspace, screen: str, choice: Choice) -> None:
    name = st.session_state.get("view-name", "")
    with feedback.action(Message("Saved the choice {name}.", name=name)):
        views.save(workspace, screen, name, choice)


def _remove(workspace: Workspace, screen: str, name: str) -> None:
    with feedback.action(Message("Deleted the choice {name}.", name=name)):
        views.remove(workspace, screen, name)
