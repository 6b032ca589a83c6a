"""The way from a chart to its traces."""

from datetime import datetime

import streamlit as st

from pages.components import session
from services.monitoring import Overview
from services.monitoring.overview import LIVE

MINUTE = "%Y-%m-%dT%H:%MZ"


def link(found: Overview, label: str, **query: str) -> None:
    """To the traces of the window and the version that the screen shows."""
    st.page_link(
        session.page("traces"),
        label=label,
        icon=":material/account_tree:",
        query_params={"hours": f"{found.asked.hours:g}"} | chosen(found) | query,
    )


def between(since: datetime, until: datetime) -> dict[str, str]:
    return {"since": f"{since:{MINUTE}}", "until": f"{until:{MINUTE}}"}


def chosen(found: Overview) -> dict[str, str]:
    """What the screen was narrowed to, as the address of the traces says it."""
    origin = found.asked.origin
    picked = {"agent": found.asked.agent, "prompt": found.asked.prompt, "origin": "" if origin == LIVE else origin}
    return {name: value for name, value in picked.items() if value}
