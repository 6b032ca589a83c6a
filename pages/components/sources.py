"""The documents under an answer: addresses of the web as links, everything else as plain text."""

from collections.abc import Iterable

import streamlit as st

from pages.components import session
from services.sources import LONGEST_TEXT, Source

_ = session.text


def show(found: Iterable[Source]) -> None:
    """Nothing for an answer without sources."""
    told = list(found)
    if not told:
        return
    with st.container(gap=None):
        st.caption(_("Sources"))
        for one in told:
            _show_one(one)


def _show_one(source: Source) -> None:
    if source.link:
        st.page_link(source.link, label=session.escape(source.title), icon=":material/article:")
        return
    place = source.doc_uri[:LONGEST_TEXT] if source.doc_uri != source.title else ""
    st.caption(":material/article: " + session.escape(" · ".join(part for part in (source.title, place) if part)))
