"""What people are told of without looking: what fires, the rules, where it goes, and when nothing is told."""

import streamlit as st

from pages.components import alert_channels, alert_form, alert_list, alert_quiet, screens, session, views
from services.messages import mark

_ = session.text

LIST, WRITE, CHANNELS, QUIET = "now", "write", "channels", "quiet"
VIEWS = {
    LIST: mark("Rules and what fires"),
    WRITE: mark("New rule"),
    CHANNELS: mark("Where alerts go"),
    QUIET: mark("Maintenance"),
}


def go(view: str) -> None:
    """Open another view in the address; the first one needs no word."""
    st.query_params.from_dict({} if view == LIST else {"view": view})


workspace = session.workspace()
screens.show_title("alerts")
rule = st.query_params.get("rule", "")
titles = VIEWS | ({WRITE: mark("Change the rule")} if rule else {})
match views.choose(titles, f"alerts-view-{workspace.app.id}", go):
    case "write":
        alert_form.show(workspace, rule)
    case "channels":
        alert_channels.show(workspace)
    case "quiet":
        alert_quiet.show(workspace)
    case _:
        alert_list.show(workspace)
