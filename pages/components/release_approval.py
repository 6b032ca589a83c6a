"""The approval of a release: who must agree, who did and why, and the two buttons."""

import streamlit as st

from pages.components import feedback, session
from services.messages import Message, mark
from services.releases import Release, State, approving
from services.releases.approving import Approval, Decision, Standing
from services.workspace import Workspace

BADGE = {
    Standing.WAITING: (mark("waits for approval"), "orange"),
    Standing.APPROVED: (mark("approved"), "green"),
    Standing.REJECTED: (mark("rejected"), "red"),
    Standing.EXPIRED: (mark("approval expired"), "orange"),
    Standing.CHANGED: (mark("changed since its approval"), "orange"),
}
_ = session.text


def badge(workspace: Workspace, release: Release) -> str:
    """How a proposal stands with its approval; nothing for any other release, and where nobody needs to agree."""
    if release.state is not State.PROPOSED or not release.judged:
        return ""
    standing = approving.approval(workspace, release).standing
    return _badge(standing) if standing in BADGE else ""


def _badge(standing: Standing) -> str:
    word, colour = BADGE[standing]
    return f":{colour}-badge[{_(word)}]"


def show(workspace: Workspace, release: Release) -> None:
    """What was decided, and the buttons of those who may decide."""
    found = approving.approval(workspace, release)
    made = approving.decisions(workspace, release.id)
    waiting = approving.decidable(release)
    if not made and (found.standing is Standing.NOT_NEEDED or not waiting):
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_('Approval')}**", width="content")
            if waiting and found.standing in BADGE:
                st.markdown(_badge(found.standing), width="content")
        for one in made:
            st.markdown(_told(one))
        if waiting:
            st.caption(_next(workspace, release, found))
            _show_buttons(workspace, release)


def _told(one: Decision) -> str:
    values = {"person": session.escape(one.actor), "time": session.moment(one.at)}
    said = _("{person} approved it {time}.", **values) if one.approved else _("{person} rejected it {time}.", **values)
    return said + (f" {session.escape(one.reason)}" if one.reason else "")


def _next(workspace: Workspace, release: Release, found: Approval) -> str:
    if found.standing is Standing.APPROVED and found.until:
        return _("It can be started until {time}.", time=session.moment(found.until))
    if found.standing is Standing.REJECTED:
        return _("Mend it in a new release, and withdraw this one. An approver may still look again and approve it.")
    if found.standing is Standing.CHANGED:
        why = _("The prompt's settings, the evaluation or the gate changed after it was approved.")
    elif found.standing is Standing.EXPIRED and found.until:
        why = _("It was not started by {time}: it needs another approval.", time=session.moment(found.until))
    else:
        why = ""
    if approving.may_decide(workspace, release):
        asked = _("Look at the difference, the evaluation and the interlocks, then decide.")
    else:
        asked = _("It waits for another person who may approve releases.")
    return session.joined(why, asked) if why else asked


def _show_buttons(workspace: Workspace, release: Release) -> None:
    may = approving.may_decide(workspace, release)
    st.text_input(_("Reason"), key=_key(release), disabled=not may, placeholder=_("Needed for a rejection"))
    with st.container(horizontal=True):
        # What stands on this screen is decided on, and nothing that replaced it meanwhile.
        given = (workspace, release.id, approving.subject(workspace, release))
        st.button(_("Approve"), key="approve-release", on_click=_approve, args=given, disabled=not may)
        st.button(_("Reject"), key="reject-release", on_click=_reject, args=given, disabled=not may)


def _approve(workspace: Workspace, id: int, seen: str) -> None:
    with feedback.action(Message("Release {id} is approved.", id=id)):
        approving.approve(workspace, id, _reason(id), seen)


def _reject(workspace: Workspace, id: int, seen: str) -> None:
    with feedback.action(Message("Release {id} is rejected.", id=id)):
        approving.reject(workspace, id, _reason(id), seen)


def _reason(id: int) -> str:
    return str(st.session_state.get(f"decision-{id}", ""))


def _key(release: Release) -> str:
    return f"decision-{release.id}"
