"""Starting a release at a time to come, in the app's own time zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from pages.components import feedback, session
from services import audit, releases
from services.audit import Verb
from services.database import now
from services.messages import Message
from services.releases import Release
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, release: Release, *, held: bool) -> None:
    """The choice of day and hour behind a small button; off where it may not start then either."""
    may = audit.allowed(workspace, Verb.START_RELEASE) and not held
    with st.popover(_("Start later"), icon=":material/schedule:", key=f"open-later-{release.id}", disabled=not may):
        zone = ZoneInfo(workspace.app.time_zone)
        soon = now().astimezone(zone) + timedelta(hours=1)
        st.date_input(_("Day"), soon.date(), min_value=now().astimezone(zone).date(), key=f"day-{release.id}")
        st.time_input(_("Time"), soon.time().replace(minute=0, second=0, microsecond=0), key=f"time-{release.id}")
        st.caption(
            _("In the app's time zone: {zone}. The interlocks and the approval are asked again then.", zone=zone.key)
        )
        st.button(
            _("Start at that time"),
            key="start-later",
            on_click=_start,
            args=(workspace, release.id, zone),
            disabled=not may,
        )


def told(release: Release) -> str:
    """When it starts by itself; nothing for one that does not wait for its time."""
    return _("It starts by itself at {time}.", time=session.moment(release.due_at)) if release.due_at else ""


def _start(workspace: Workspace, id: int, zone: ZoneInfo) -> None:
    at = datetime.combine(st.session_state[f"day-{id}"], st.session_state[f"time-{id}"], zone)
    with feedback.action(Message("Release {id} starts at that time.", id=id)):
        releases.start(workspace, id, at)
