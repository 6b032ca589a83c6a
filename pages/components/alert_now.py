"""What fires now, on every screen where somebody may look first."""

import streamlit as st

from pages.components import feedback, session
from services import alerts, audit
from services.alerts import Alert, Standing, State
from services.audit import Verb
from services.messages import Message
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace) -> None:
    """One line per alert with the way to it, and whether anybody still looks; nothing while all is well."""
    found = alerts.standings(workspace)
    unseen = [one.looked_at for one in found if one.state is State.STALE and one.looked_at]
    if unseen:
        st.warning(
            _(
                "Alert rules were not looked at since {time}: nobody is told of anything new. See on the Jobs screen "
                "whether the worker runs.",
                time=session.moment(min(unseen)),
            )
        )
    for one in found:
        if one.state is not State.FIRING or one.alert is None:
            continue
        with st.container(border=True, gap="xsmall"):
            st.markdown(f":red[:material/notifications_active:] **{session.escape(one.rule.name)}**")
            st.markdown(session.escape(say(one.alert.text.what)))
            st.page_link(session.page("alerts"), label=_("See what to do"), icon=":material/notifications:")


def show_whole(workspace: Workspace, one: Standing) -> None:
    """What was seen, what was changed before, what it means, and one next step."""
    alert = one.alert
    if alert is None:
        return
    text = alert.text
    st.markdown(f"**{session.escape(say(text.what))}**")
    st.caption(_("From {since} to {until}.", since=session.moment(text.since), until=session.moment(text.until)))
    changed = f" ({session.moment(text.changed_at)})" if text.changed_at else ""
    st.markdown(session.escape(say(text.suspect)) + changed)
    st.markdown(session.escape(say(text.consequence)))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            session.page(text.step.page),
            label=session.escape(say(text.step.what)),
            icon=":material/arrow_forward:",
            query_params=text.step.query,
        )
    _show_keeper(workspace, alert)


def _show_keeper(workspace: Workspace, alert: Alert) -> None:
    if alert.acknowledged_by and alert.acknowledged_at:
        st.caption(
            _(
                "{person} looks after it since {time}; nobody is reminded.",
                person=session.escape(alert.acknowledged_by),
                time=session.moment(alert.acknowledged_at),
            )
        )
        return
    st.button(
        _("I look after it"),
        key=f"keep-{workspace.app.id}-{alert.id}",
        type="primary",
        on_click=_acknowledge,
        args=(workspace, alert.id),
        disabled=not audit.allowed(workspace, Verb.ACKNOWLEDGE_ALERT),
    )


def _acknowledge(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("You look after it. Nobody is reminded any more.")):
        alerts.acknowledge(workspace, id)
