"""The emergency stop, and the banner while everyone gets a fixed message in place of an answer."""

import streamlit as st

from pages.components import consequences, feedback, session
from services import audit, releases
from services.audit import Verb
from services.messages import Message
from services.releases import offline
from services.releases.offline import Offline
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """The banner while the endpoint is offline."""
    now = offline.state(workspace)
    if now is not None:
        _show_banner(workspace, now)


def show_stop(workspace: Workspace) -> None:
    """The button that opens the confirmation; nothing while the endpoint is offline, or where the platform cannot."""
    if offline.state(workspace) is not None or not workspace.platform.serving.rules.fallback:
        return
    with st.popover(
        _("Take offline"),
        icon=":material/emergency_home:",
        key="open-offline",
        disabled=not audit.allowed(workspace, Verb.TAKE_OFFLINE),
    ):
        st.markdown(f"**{_('Emergency stop')}**")
        consequences.show(releases.consequences.of_offline(workspace))
        st.text_area(_("What everyone is told"), _(offline.FALLBACK), key=_key(workspace, "message"), height=90)
        st.text_input(_("Reason"), key=_key(workspace, "why"), placeholder=_("What went wrong?"))
        st.button(_("Take offline now"), type="primary", key="take-offline", on_click=_take, args=(workspace,))


def _show_banner(workspace: Workspace, now: Offline) -> None:
    with st.container(border=True):
        st.error(
            _(
                "**Offline** since {time}, by {person}: {why}  \nEveryone gets: “{message}”",
                time=session.moment(now.at),
                person=session.escape(now.by),
                why=session.escape(now.why),
                message=session.escape(now.message),
            ),
            icon=":material/emergency_home:",
        )
        may = audit.allowed(workspace, Verb.BRING_BACK)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                _("Reason"), key=_key(workspace, "back"), disabled=not may, placeholder=_("Why may it answer again?")
            )
            st.button(_("Bring back online"), key="bring-back", on_click=_back, args=(workspace,), disabled=not may)
        st.caption(
            _(
                "The same versions answer again with the same shares. Or release a better version first: it is tested and proven while this one stays offline."
            )
        )


def _take(workspace: Workspace) -> None:
    message, why = (str(st.session_state.get(_key(workspace, name), "")) for name in ("message", "why"))
    with feedback.action(Message("It is offline: everyone gets your message.")):
        offline.take(workspace, message, why)


def _back(workspace: Workspace) -> None:
    with feedback.action(Message("It is online again.")):
        offline.bring_back(workspace, str(st.session_state.get(_key(workspace, "back"), "")))


def _key(workspace: Workspace, name: str) -> str:
    return f"offline-{name}/{workspace.app.endpoint}"
