"""The app's freeze periods: when nothing new may go live, and why."""

from datetime import date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from pages.components import feedback, periods, session
from services import apps, audit
from services.apps import Freeze
from services.audit import Verb
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """The periods as they are, each with a way to end it, and a new one."""
    may, found = audit.allowed(workspace, Verb.SAVE_APPROVAL_RULE), apps.freezes(workspace)
    st.markdown(f"**{_('Freeze periods')}**")
    st.caption(_("In these days nothing new goes live. Rolling back, putting back and the emergency stop always work."))
    st.caption(
        _(
            "They begin and end at midnight in the app's time zone, {zone}; both days count.",
            zone=workspace.app.time_zone,
        )
    )
    periods.show(
        found, "unfreeze", lambda kept: _save(workspace, kept, found), may=may, moment=partial(_day, workspace)
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.date_input(_("First and last day"), [], key=_key(workspace, "days"), disabled=not may)
        st.text_input(_("Reason"), key=_key(workspace, "why"), disabled=not may, placeholder=_("Year-end sale"))
        st.button(_("Add the period"), key="freeze", on_click=_add, args=(workspace, found), disabled=not may)


def _day(workspace: Workspace, at: datetime) -> str:
    """The day in the app's time zone; the hour too, where no day begins or ends then."""
    local = at.astimezone(ZoneInfo(workspace.app.time_zone))
    whole = local.time().replace(microsecond=0) in (time.min, time(23, 59, 59))
    return local.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M")


def _add(workspace: Workspace, found: list[Freeze]) -> None:
    days, zone = st.session_state[_key(workspace, "days")], ZoneInfo(workspace.app.time_zone)
    first, last = (days[0], days[-1]) if days else (date.min, date.min)
    start, end = (datetime.combine(day, hour, zone) for day, hour in ((first, time.min), (last, time.max)))
    new = Freeze(start, end if days else start, str(st.session_state[_key(workspace, "why")]))
    _save(workspace, [*found, new], found)


def _save(workspace: Workspace, wanted: list[Freeze], seen: list[Freeze]) -> None:
    with feedback.action(Message("Saved the freeze periods.")):
        apps.save_freezes(workspace, wanted, seen)


def _key(workspace: Workspace, name: str) -> str:
    return f"freeze-{name}/{workspace.app.id}"
