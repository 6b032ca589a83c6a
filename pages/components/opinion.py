"""Thumbs up or down on an answer, with a reason where there is room for one."""

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.messages import Message
from services.traces import opinions
from services.workspace import Workspace

_ = session.text


def show_thumbs(workspace: Workspace, trace_id: str) -> None:
    """One click says it."""
    key = f"thumbs/{trace_id}"
    st.feedback(
        "thumbs",
        key=key,
        on_change=_give,
        args=(workspace, trace_id, key),
        disabled=not audit.allowed(workspace, Verb.GIVE_FEEDBACK),
    )


def show_form(workspace: Workspace, trace_id: str) -> None:
    """Thumbs, a reason, and a button."""
    key, may = f"opinion/{trace_id}", audit.allowed(workspace, Verb.GIVE_FEEDBACK)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_("Did this answer help?"), width="content")
        given = st.feedback("thumbs", key=key, disabled=not may)
        st.text_input(
            _("Reason"),
            key=f"{key}/why",
            placeholder=_("Why? (optional)"),
            label_visibility="collapsed",
            disabled=not may,
        )
        st.button(
            _("Save my opinion"),
            key="give-opinion",
            on_click=_give,
            args=(workspace, trace_id, key),
            disabled=given is None or not may,
        )


def _give(workspace: Workspace, trace_id: str, key: str) -> None:
    given = st.session_state[key]
    if given is None:
        return
    with feedback.action(Message("Thank you. Your opinion stands with the answer's trace.")):
        opinions.give(workspace, trace_id, bool(given), st.session_state.get(f"{key}/why", ""))
