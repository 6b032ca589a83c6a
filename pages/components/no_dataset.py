"""Where a dataset is wanted and the app has none yet: said, with the way to make one."""

import streamlit as st

from pages.components import screens, session

_ = session.text


def show() -> None:
    st.caption(_("There is no dataset yet. Make one on the Datasets screen."))
    st.page_link(session.page("datasets"), label=_("Open Datasets"), icon=screens.named("datasets").icon)
