"""Maintenance windows: times in which nothing is told, and why."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from pages.components import feedback, periods, session
from services import alerts, audit
from services.alerts import Maintenance
from services.audit import Verb
from services.database import now
from services.messages import Message, moment
from services.workspace import Workspace

_ = session.text

LONGEST_HOURS = 24 * 14


def show(workspace: Workspace) -> None:
    """The windows that are not over, each with a way to end it, and a new one."""
    # The version first: what another person saves in between is then refused, not lost.
    may, version = audit.allowed(workspace, Verb.MUTE_ALERT), alerts.maintenance_version(workspace)
    found = alerts.maintenance(workspace)
    zone = ZoneInfo(workspace.app.time_zone)
    st.markdown(_("In a maintenance window nothing is told. What still fires at its end is told then."))
    st.caption(_("Times are those of the app's time zone, {zone}.", zone=workspace.app.time_zone))
    periods.show(
        found,
        "end-maintenance",
        lambda kept: _save(workspace, version, kept),
        may=may,
        moment=lambda time: moment(time, zone),
    )
    here = now().astimezone(zone)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.date_input(_("Day"), here.date(), key=_key(workspace, "day"), disabled=not may, width=160)
        st.time_input(
            _("From ({zone})", zone=workspace.app.time_zone),
            here.replace(minute=0, second=0, microsecond=0).time(),
            key=_key(workspace, "from"),
            disabled=not may,
            width=160,
        )
        st.number_input(_("Hours"), 1, LONGEST_HOURS, 2, key=_key(workspace, "hours"), disabled=not may, width=120)
        st.text_input(_("Reason"), key=_key(workspace, "why"), disabled=not may, width=260)
        st.button(
            _("Add the window"), key="maintain", on_click=_add, args=(workspace, version, found), disabled=not may
        )


def _add(workspace: Workspace, version: int, found: list[Maintenance]) -> None:
    given = {name: st.session_state[_key(workspace, name)] for name in ("day", "from", "hours", "why")}
    # In UTC: hours that are added to a clock's time are other hours when clocks go forward or back.
    start = datetime.combine(given["day"], given["from"], ZoneInfo(workspace.app.time_zone)).astimezone(UTC)
    _save(workspace, version, [*found, Maintenance(start, start + timedelta(hours=given["hours"]), given["why"])])


def _save(workspace: Workspace, version: int, wanted: list[Maintenance]) -> None:
    with feedback.action(Message("Saved the maintenance windows.")):
        alerts.save_maintenance(workspace, wanted, version)


def _key(workspace: Workspace, name: str) -> str:
    return f"maintenance-{name}/{workspace.app.id}"
