"""The views of one thing, side by side: which one the address names, and the way to the others."""

from collections.abc import Callable, Mapping

import streamlit as st

from pages.components import session

_ = session.text


def choose(titles: Mapping[str, str], key: str, go: Callable[[str], None]) -> str:
    """The chosen view's name, the first one by default; `go` puts the name of another into the address."""
    asked = st.query_params.get("view", "")
    st.session_state[key] = asked if asked in titles else next(iter(titles))
    st.segmented_control(
        _("View"),
        list(titles),
        format_func=lambda view: _(titles[view]),
        key=key,
        label_visibility="collapsed",
        required=True,
        on_change=lambda: go(st.session_state[key]),
    )
    return str(st.session_state[key])
