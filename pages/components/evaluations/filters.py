"""Choosing rows: fields that read and write the address, and choices kept under a name."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.components import saved_views, session
from pages.components.evaluations import address
from services.evaluations import browsing
from services.evaluations.browsing import LISTS, RowFilter
from services.messages import language_name, mark
from services.views import Choice
from services.workspace import Workspace

_ = session.text
LABELS = {"topic": mark("Topics"), "language": mark("Languages"), "split": mark("Splits")}
PLACEHOLDERS = {"topic": mark("All topics"), "language": mark("All languages"), "split": mark("All splits")}
NO_PART = mark("(none)")


def show(workspace: Workspace, table: pd.DataFrame, kinds: Mapping[str, str], compared: bool) -> RowFilter:
    """Draw the fields and return what they ask for."""
    asked = address.asked()
    _restore(asked)
    words, scorer, verdict, last = st.columns([3, 2, 2, 2])
    words.text_input(
        _("Words in question or answer"), key=_key("words"), on_change=_take, placeholder=_("All words must be there")
    )
    scorer.selectbox(
        _("Scorer"),
        ["", *kinds],
        format_func=lambda name: name or _("Any scorer"),
        key=_key("scorer"),
        on_change=_take,
    )
    verdict.selectbox(
        _("Verdict"),
        ["", *browsing.VERDICTS],
        format_func=lambda one: _(browsing.VERDICTS[one]) if one else _("All"),
        key=_key("verdict"),
        on_change=_take,
    )
    last.selectbox(
        _("Order"),
        list(browsing.SORTS),
        format_func=lambda one: _(browsing.SORTS[one]),
        key=_key("sort"),
        on_change=_take,
    )
    _parts(table, compared)
    _views(workspace, asked)
    return asked


def _parts(table: pd.DataFrame, compared: bool) -> None:
    """Parts of the dataset; only those that it has."""
    known = {name: sorted(table[name].map(str).unique()) for name in LISTS}
    drawn = [name for name, values in known.items() if len(values) > 1]
    critical = bool(table["critical"].astype(bool).any())
    columns = iter(st.columns(4, vertical_alignment="bottom") if drawn or critical or compared else ())
    if compared:
        next(columns).selectbox(
            _("Against the other"),
            ["", *browsing.CHANGES],
            format_func=lambda one: _(browsing.CHANGES[one]) if one else _("All"),
            key=_key("change"),
            on_change=_take,
        )
    for name in drawn[:3]:
        column = next(columns, None)
        if column is not None:
            column.multiselect(
                _(LABELS[name]),
                known[name],
                format_func=_language if name == "language" else _part,
                key=_key(name),
                placeholder=_(PLACEHOLDERS[name]),
                on_change=_take,
            )
    if critical:
        place = next(columns, None) or st.container()
        place.toggle(_("Critical only"), key=_key("critical"), on_change=_take)


def _part(value: str) -> str:
    return value or _(NO_PART)


def _language(code: str) -> str:
    return _part(language_name(code))


def _views(workspace: Workspace, asked: RowFilter) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        saved_views.show(workspace, "evaluation", asked.to_address(), _open)
        if asked.asks:
            st.button(_("Show all rows"), key="clear-rows", icon=":material/filter_alt_off:", on_click=_clear)


def _open(choice: Choice) -> None:
    address.choose(RowFilter.from_address(choice))


def _clear() -> None:
    address.choose(browsing.without(address.asked()))


def _key(name: str) -> str:
    return f"rows-{name}"


def _restore(asked: RowFilter) -> None:
    """The address is the truth: a link, a saved choice or a button sets the fields."""
    for name in browsing.ADDRESS:
        value = getattr(asked, name)
        st.session_state[_key(name)] = list(value) if name in LISTS else value


def _take() -> None:
    """A field was changed; those that are not drawn keep what the address says."""
    said = {name: st.session_state[_key(name)] for name in browsing.ADDRESS if _key(name) in st.session_state}
    said |= {name: tuple(said[name]) for name in LISTS if name in said}
    address.choose(replace(address.asked(), **said))
