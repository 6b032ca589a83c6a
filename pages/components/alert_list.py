"""The rules as they stand: what fires first, each with what can be done about it."""

from datetime import timedelta

import streamlit as st

from pages.components import alert_now, feedback, session
from services import alerts, audit
from services.alerts import Standing, State
from services.audit import Verb
from services.database import now
from services.messages import Message, mark
from services.workspace import Workspace

_, say = session.text, session.say

STATE = {
    State.OK: mark("all is well"),
    State.PENDING: mark("too little data yet"),
    State.STALE: mark("not looked at any more"),
    State.FIRING: mark("fires"),
    State.MUTED: mark("muted"),
    State.OFF: mark("switched off"),
}
COLOUR = {State.OK: "green", State.FIRING: "red", State.MUTED: "orange", State.STALE: "orange"}
MUTES = {1: mark("1 hour"), 8: mark("8 hours"), 24: mark("1 day"), 168: mark("7 days")}


def show(workspace: Workspace) -> None:
    found = alerts.standings(workspace)
    if not found:
        st.info(
            _(
                "Nobody is told of anything yet. Make a rule: what is watched, and when you want to know. You see at once "
                "when it would have fired in the last 14 days."
            )
        )
    quiet = alerts.in_maintenance(workspace)
    if quiet:
        st.warning(
            _(
                "Maintenance until {time}: {why}. Nothing is told until then.",
                time=session.moment(quiet.end),
                why=session.escape(quiet.why),
            )
        )
    for one in found:
        _show(workspace, one)
    _show_history(workspace)


def edit(id: str) -> None:
    st.query_params.from_dict({"view": "write", **({"rule": id} if id else {})})


def _show(workspace: Workspace, one: Standing) -> None:
    with st.container(border=True, gap="xsmall"):
        badge = f":{COLOUR.get(one.state, 'gray')}-badge[{_state(one)}]"
        st.markdown(f"**{session.escape(one.rule.name)}** {badge}")
        sentence = say(alerts.describe(one.rule, workspace.app.money))
        if sentence != one.rule.name:
            st.caption(session.escape(sentence))
        alert_now.show_whole(workspace, one)
        if one.looked_at:
            st.caption(_("Looked at everything until {time}.", time=session.moment(one.looked_at)))
        else:
            st.caption(_("Looked at for the first time within a quarter of an hour."))
        _show_actions(workspace, one)


def _state(one: Standing) -> str:
    """Before the first look nobody knows how much data there is."""
    return _("not looked at yet") if one.state is State.PENDING and not one.looked_at else _(STATE[one.state])


def _show_actions(workspace: Workspace, one: Standing) -> None:
    may, key = audit.allowed(workspace, Verb.SAVE_ALERT), f"{workspace.app.id}-{one.rule.id}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Change"), key=f"edit-{key}", icon=":material/edit:", on_click=edit, args=(one.rule.id,))
        if one.state is State.MUTED and one.rule.id in alerts.muted_until(workspace):
            label = _("Muted until {time}: tell again", time=session.moment(one.muted_until or now()))
            st.button(label, key=f"unmute-{key}", on_click=_mute, args=(workspace, one.rule.id, 0), disabled=not may)
        else:
            with st.popover(_("Mute"), icon=":material/notifications_off:", disabled=not may):
                for hours, told in MUTES.items():
                    st.button(_(told), key=f"mute-{hours}-{key}", on_click=_mute, args=(workspace, one.rule.id, hours))
        with st.popover(_("Remove"), icon=":material/delete:", disabled=not may):
            st.markdown(_("The rule goes, and what it told before stays in the list."))
            st.button(_("Remove the rule"), key=f"remove-{key}", on_click=_remove, args=(workspace, one.rule.id))


def _show_history(workspace: Workspace) -> None:
    over = alerts.history(workspace)
    if not over:
        return
    names = {rule.id: rule.name for rule in alerts.all(workspace)}
    with st.expander(_("What fired before, the newest {n}", n=len(over))):
        for one in over:
            ended = session.moment(one.ended_at) if one.ended_at else "–"
            st.markdown(
                f"{session.moment(one.started_at)} – {ended} · **{session.escape(names.get(one.rule_id, one.rule_id))}**  \n"
                + session.escape(say(one.text.what))
            )


def _mute(workspace: Workspace, id: str, hours: int) -> None:
    with feedback.action(Message("Muted.") if hours else Message("It is told again.")):
        alerts.mute(workspace, id, now() + timedelta(hours=hours) if hours else None)


def _remove(workspace: Workspace, id: str) -> None:
    with feedback.action(Message("Removed the rule.")):
        alerts.remove(workspace, id)
