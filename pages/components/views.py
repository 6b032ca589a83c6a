"""The views of one thing: which one the address names, and the way to the others."""

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


def show(parts: Mapping[str, tuple[str, Callable[[], None]]], key: str) -> None:
    """A tab for each part's title, drawn when it is first opened and kept from then on: what was typed there stays."""
    titles = {view: _(title) for view, (title, _draw) in parts.items()}
    opened = f"{key}-opened"
    if key not in st.session_state:  # whoever comes back to the screen begins anew
        st.session_state[opened] = set[str]()
    asked = st.query_params.get("view", "")
    st.session_state[key] = titles.get(asked) or next(iter(titles.values()))

    def go() -> None:
        st.query_params["view"] = next(view for view, title in titles.items() if title == st.session_state[key])

    for view, tab in zip(parts, st.tabs(list(titles.values()), key=key, on_change=go), strict=True):
        if tab.open:
            st.session_state[opened].add(view)
        if view in st.session_state[opened]:
            with tab:
                parts[view][1]()
