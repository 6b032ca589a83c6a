"""The frame of every screen: who, which app, which language, where to go, and what went wrong."""

from pathlib import Path

import streamlit as st

from services.errors import ConsoleError

STATIC = Path(__file__).parent.parent / "static"
ICON = str(STATIC / "icon.svg")

st.set_page_config(page_title="Signalbox", page_icon=ICON, layout="wide")
st.logo(str(STATIC / "wordmark.svg"), icon_image=ICON, size="large")
# Right after the server's start these imports and the stores take seconds, which a blank page must not fill.
with st.spinner("Signalbox"):
    from pages.components import feedback, screens, session

try:
    with st.spinner("Signalbox"):
        session.platform()
    session.choose_in_sidebar()
    session.set_page_language()
    page = st.navigation(screens.navigation(), position="sidebar")
    # Once more: navigation takes the page's symbol for an icon, which the browser would fetch from another host.
    st.set_page_config(page_title=f"{page.title} · Signalbox", page_icon=ICON, layout="wide")
    feedback.show_outcome()
    if not session.workspace().app.id and page.url_path != "apps":
        st.switch_page(session.page("apps"))
    page.run()
except ConsoleError as error:
    feedback.show_error(error)
