"""Who must agree before a release of the app starts, and for how long that counts."""

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.messages import Message
from services.releases import approving
from services.releases.approving import ApprovalRule, Who
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """The rule of the app's environment as a form; only an admin may change it."""
    now = approving.rule(workspace)
    may = audit.allowed(workspace, Verb.SAVE_APPROVAL_RULE)
    st.radio(
        _("Who must agree before a release starts"),
        list(Who),
        index=list(Who).index(now.who),
        format_func=lambda who: _(approving.WHO[who]),
        key=_key(workspace, "who"),
        disabled=not may,
    )
    st.number_input(
        _("Hours until an approval expires"),
        1,
        approving.LONGEST_HOURS,
        now.hours,
        key=_key(workspace, "hours"),
        width=260,
        disabled=not may,
    )
    if workspace.settings.identity == "local":
        st.caption(
            _(
                "Everyone at this console is signed in as {person}: four eyes need a sign-in that tells people apart.",
                person=session.escape(workspace.actor.id),
            )
        )
    st.button(
        _("Save who must agree"),
        type="primary",
        key=f"save-approval-rule{_place(workspace)}",
        on_click=_save,
        args=(workspace,),
        disabled=not may,
    )


def _save(workspace: Workspace) -> None:
    chosen = ApprovalRule(st.session_state[_key(workspace, "who")], int(st.session_state[_key(workspace, "hours")]))
    with feedback.action(Message("Saved who must agree. It counts for what is proposed already, too.")):
        approving.save_rule(workspace, chosen)


def _key(workspace: Workspace, name: str) -> str:
    return f"approval-{name}/{workspace.app.id}{_place(workspace)}"


def _place(workspace: Workspace) -> str:
    """What tells the forms of two environments apart."""
    environment = workspace.app.environment
    return "" if environment.live else f"/{environment.stage}"
