"""Where releases are told to other programs."""

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.messages import Message
from services.releases import telling
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """The address as one field; the secret comes from the environment and is never shown."""
    may = audit.allowed(workspace, Verb.UPDATE_APP)
    st.markdown(f"**{_('Webhook')}**")
    st.caption(
        _(
            "Told when a release is proposed, approved, live or rolled back, at least once and under the same id, signed "
            "with SIGNALBOX_WEBHOOK_SECRET of the console's environment."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            _("Address"), telling.address(workspace), key=_key(workspace), placeholder="https://…", disabled=not may
        )
        st.button(_("Save the address"), key="save-webhook", on_click=_save, args=(workspace,), disabled=not may)


def _save(workspace: Workspace) -> None:
    with feedback.action(Message("Saved the webhook's address.")):
        telling.save_address(workspace, str(st.session_state[_key(workspace)]).strip())


def _key(workspace: Workspace) -> str:
    return f"webhook/{workspace.app.id}"
