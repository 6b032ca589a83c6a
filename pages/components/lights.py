"""What the console stands on, line by line: green, amber or red, what was found and how to mend it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from pages.components import session
from services import connection
from services.connection import Choices, Light, Line, Place, Report
from services.workspace import Workspace

_, say = session.text, session.say

KEPT = "connection-seen"
ICON = {
    Light.GREEN: ":green[:material/check_circle:]",
    Light.AMBER: ":orange[:material/error:]",
    Light.RED: ":red[:material/cancel:]",
}


@dataclass
class Look:
    """What the platform answered, kept until somebody asks again, and the place and app it was asked for."""

    place: Place
    app_id: str
    report: Report
    offered: dict[str, Choices] = field(default_factory=dict)


def look(workspace: Workspace) -> Look:
    """The last look of this session; a new one when place or app are others now."""
    last = st.session_state.get(KEPT)
    place, app_id = connection.place(workspace), workspace.app.id
    if last is not None and (last.place, last.app_id) == (place, app_id):
        return last
    with st.spinner(_("Asking each part")):
        now = Look(place, app_id, connection.report(workspace))
    st.session_state[KEPT] = now
    return now


def ask_again() -> None:
    st.session_state.pop(KEPT, None)


def show(lines: Sequence[Line]) -> None:
    """The lines in their own order."""
    with st.container(border=True):
        for line in lines:
            _show(line)


def _show(line: Line) -> None:
    name, found = st.columns([2, 7], gap="small")
    name.markdown(f"{ICON[line.light]} **{_(line.name)}**")
    with found, st.container(gap="xxsmall"):
        link = f" [:material/open_in_new: {_('Open in Databricks')}]({line.link})" if line.link else ""
        st.markdown(session.escape(say(line.found)) + link)
        if line.remedy:
            st.caption(session.escape(say(line.remedy)))
        if line.statement:
            st.code(line.statement, language=None, wrap_lines=True)
