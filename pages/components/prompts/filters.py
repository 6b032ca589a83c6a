"""What is looked for among the prompts: the fields, and the address that remembers it."""

import streamlit as st

from pages.components import session
from pages.components.prompts import labels
from services.messages import mark
from services.prompts import library
from services.prompts.library import Order, Query
from services.workspace import Workspace

FILTERS = ("q", "author", "label", "sort", "archived", "page")
ORDERS = {Order.NEWEST: mark("Newest first"), Order.NAME: mark("By name")}
_ = session.text


def asked() -> Query:
    """What the address asks for; what makes no sense there asks for nothing."""
    params = st.query_params
    key, colon, value = params.get("label", "").partition(":")
    return Query(
        text=params.get("q", ""),
        author=params.get("author", ""),
        label=(key, value) if colon else None,
        archived=params.get("archived") == "1",
        order=Order.NAME if params.get("sort") == Order.NAME else Order.NEWEST,
        page=session.number("page") or 1,
    )


def show(workspace: Workspace, query: Query) -> None:
    offered = library.choices(workspace, query.archived)
    found = [f"{key}:{value}" for key, value in offered.labels]
    st.text_input(
        _("Search"),
        key=_field(workspace, "q", query.text),
        icon=":material/search:",
        placeholder=_("Name, title, text, label, author"),
        help=_("All words must occur, in any version. Capitals do not matter."),
        max_chars=200,
        on_change=_narrow,
        args=(workspace, "q"),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choose(workspace, "author", _("Written by"), list(offered.authors), query.author)
        _choose(workspace, "label", _("Label"), found, st.query_params.get("label", ""))
        st.selectbox(
            _("Order"),
            [order.value for order in Order],
            format_func=lambda order: _(ORDERS[Order(order)]),
            key=_field(workspace, "sort", query.order.value),
            on_change=_narrow,
            args=(workspace, "sort"),
            width=160,
        )
        st.toggle(
            _("Archived too"),
            key=_field(workspace, "archived", query.archived),
            on_change=_narrow,
            args=(workspace, "archived"),
        )


def show_all() -> None:
    """Look for nothing in particular."""
    for name in FILTERS:
        st.query_params.pop(name, None)


def _choose(workspace: Workspace, name: str, title: str, offered: list[str], chosen: str) -> None:
    """A filter that is there when there is something to choose; what the address names stays, even if nobody has it."""
    options = sorted({*offered, chosen} - {""})
    if len(options) < 2 and not chosen:
        return
    st.selectbox(
        title,
        options,
        format_func=_label if name == "label" else str,
        index=None,
        placeholder=_("Any"),
        key=_field(workspace, name, chosen or None),
        on_change=_narrow,
        args=(workspace, name),
        width=200,
    )


def _field(workspace: Workspace, name: str, value: object) -> str:
    """The key of a field that shows what the address says."""
    key = f"prompts-{name}-{workspace.app.id}"
    st.session_state[key] = value
    return key


def _narrow(workspace: Workspace, name: str) -> None:
    """Let the address say what was chosen, from the first page on."""
    value = st.session_state[f"prompts-{name}-{workspace.app.id}"]
    st.query_params.pop("page", None)
    st.query_params.pop(name, None)
    if value and value != Order.NEWEST:
        st.query_params[name] = "1" if value is True else str(value).strip()


def _label(stored: str) -> str:
    key, _colon, value = stored.partition(":")
    return labels.told(key, value)
