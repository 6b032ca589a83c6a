"""The frame of every screen: who, which app, which language, where to go, and what went wrong."""

from pathlib import Path

import streamlit as st

from services.errors import ConsoleError, SignInError

STATIC = Path(__file__).parent.parent / "static"
ICON = str(STATIC / "icon.svg")

st.set_page_config(page_title="Signalbox", page_icon=ICON, layout="wide")
st.logo(str(STATIC / "wordmark.svg"), icon_image=ICON, size="large")
# Right after the server's start these imports and the stores take seconds, which a blank page must not fill.
with st.spinner("Signalbox"):
    from pages.components import feedback, screens, session, sign_in

try:
    with st.spinner("Signalbox"):
        session.platform()
    links = st.sidebar.container(gap="xsmall")
    session.choose_in_sidebar()
    sign_in.show_sign_out()
    session.set_page_language()
    pages = screens.navigation()
    page = st.navigation(pages, position="hidden")
    screens.show_links(links, pages)
    if not st.query_params:
        # A link of the side bar to the screen that is open empties the address here; the browser would keep the old one.
        st.query_params.clear()
    # Once more: navigation takes the page's symbol for an icon, which the browser would fetch from another host.
    st.set_page_config(page_title=f"{page.title} · Signalbox", page_icon=ICON, layout="wide")
    # A place of its own: an error that came or went would otherwise make tabs below forget which one is open.
    with st.container():
        feedback.show_outcome()
        sign_in.show_roles_trouble()
    if not session.workspace().app.id and page.url_path not in ("apps", "connection"):
        st.switch_page(session.page("apps"))
    page.run()
except SignInError as error:
    sign_in.show(error)
except ConsoleError as error:
    sign_in.show_trouble(error)
