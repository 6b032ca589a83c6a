"""Rows of fields that people add and take away: names with values, kinds with names."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from pages.components import session

_ = session.text


@dataclass(frozen=True)
class Column:
    """One field of every row; with `options` (label by value) it is chosen, else typed. `line`: where a row has several.

    `placeholder` is one text, or one by what stands in the row's first field.
    """

    label: str
    options: Mapping[str, str] | None = None
    placeholder: str | Mapping[str, str] = ""
    width: int = 3
    line: int = 0
    help: str | None = None


def show(key: str, columns: Sequence[Column], add: str) -> None:
    """The rows that stand there now, and a button for one more; rows of several lines each stand in a frame."""
    lines = sorted({column.line for column in columns})
    for place, id in enumerate(_ids(key)):
        with st.container(border=len(lines) > 1):
            for line in lines:
                _show_line(key, id, line, columns, named=place == 0 or len(lines) > 1)
    st.button(add, key=f"{key}/add", icon=":material/add:", on_click=_add, args=(key,))


def _show_line(key: str, id: int, line: int, columns: Sequence[Column], *, named: bool) -> None:
    """Its fields; the first line ends with the button that takes the row away."""
    here = [(number, column) for number, column in enumerate(columns) if column.line == line]
    cells = st.columns(
        [*(column.width for _number, column in here), *([] if line else [1])], vertical_alignment="bottom"
    )
    for cell, (number, column) in zip(cells, here, strict=False):
        with cell:
            _show_cell(_cell(key, id, number), _exemplified(column, _cell(key, id, 0)), named=named)
    if not line:
        cells[-1].button(
            "",
            key=f"{key}/{id}/remove",
            icon=":material/close:",
            type="tertiary",
            help=_("Take this row away"),
            on_click=_remove,
            args=(key, id),
        )


def read(key: str, columns: int = 2) -> tuple[tuple[str, ...], ...]:
    """What stands in the rows, stripped; rows with nothing in them are left out."""
    found = (
        tuple(str(st.session_state.get(_cell(key, id, number)) or "").strip() for number in range(columns))
        for id in _ids(key)
    )
    return tuple(row for row in found if any(row))


def keep(key: str) -> None:
    """Keep what stands in rows that are not drawn now: Streamlit forgets a field that is not on the screen."""
    for name in list(st.session_state):
        if str(name).startswith(f"{key}/") and str(name).rpartition("/")[2].isdigit():
            st.session_state[name] = st.session_state[name]


def fill(key: str, rows: Iterable[Sequence[str]]) -> None:
    """Replace the rows, in a callback."""
    st.session_state[_list(key)] = []
    for row in rows:
        id = _new(key)
        for number, value in enumerate(row):
            st.session_state[_cell(key, id, number)] = value


def _exemplified(column: Column, first: str) -> Column:
    """With the placeholder that fits what stands in the row's first field."""
    if isinstance(column.placeholder, str):
        return column
    return replace(column, placeholder=column.placeholder.get(st.session_state.get(first, ""), ""))


def _show_cell(key: str, column: Column, *, named: bool) -> None:
    seen: Literal["visible", "collapsed"] = "visible" if named else "collapsed"
    if column.options is None:
        st.text_input(
            column.label, key=key, placeholder=str(column.placeholder), label_visibility=seen, help=column.help
        )
        return
    options = column.options
    st.selectbox(
        column.label,
        list(options),
        format_func=lambda one: options[one],
        key=key,
        label_visibility=seen,
        help=column.help,
    )


def _list(key: str) -> str:
    return f"{key}/rows"


def _cell(key: str, id: int, number: int) -> str:
    return f"{key}/{id}/{number}"


def _ids(key: str) -> list[int]:
    return list(st.session_state.get(_list(key), []))


def _add(key: str) -> None:
    _new(key)


def _new(key: str) -> int:
    """Add a row under a number that no row had yet: a field that comes back would come with its old text."""
    counter = st.session_state.setdefault(f"{key}/next", itertools.count())
    id = next(counter)
    st.session_state[_list(key)] = [*_ids(key), id]
    return int(id)


def _remove(key: str, id: int) -> None:
    st.session_state[_list(key)] = [one for one in _ids(key) if one != id]
