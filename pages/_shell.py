"""The frame of every screen: who, which app, which language, where to go, and what went wrong."""

from pathlib import Path

import streamlit as st

from pages.components import feedback, screens, session
from services.errors import ConsoleError

ICON = str(Path(__file__).parent.parent / "static" / "icon.svg")

st.set_page_config(page_title="Signalbox", page_icon=ICON, layout="wide")
_ = session.text

try:
    session.choose_in_sidebar()
    session.set_page_language()
    page = st.navigation(screens.navigation(), position="sidebar")
    st.set_page_config(page_title=f"{page.title} · Signalbox", page_icon=ICON, layout="wide")
    feedback.show_outcome()
    page.run()
except ConsoleError as error:
    feedback.show_error(error)
