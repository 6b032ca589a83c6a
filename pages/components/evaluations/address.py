"""What the address of an evaluation says: which one, against which, which rows, which one of them."""

import streamlit as st

from services.evaluations.browsing import ADDRESS, RowFilter

RUN, AGAINST, ROW, MODE = "run", "against", "row", "show"
BLIND, PAPER = "blind", "paper"


def asked() -> RowFilter:
    """The choice of rows."""
    return RowFilter.from_address({name: st.query_params.get_all(name) for name in ADDRESS})


def choose(wanted: RowFilter) -> None:
    """Look at other rows of the same evaluation."""
    _put(_kept(), wanted)


def open_run(run_id: str, against: str | None = None) -> None:
    _put({RUN: run_id} | ({AGAINST: against} if against else {}), RowFilter())


def compare_with(run_id: str | None) -> None:
    """Keep the choice of rows, except for what only a comparison can answer."""
    kept = {name: value for name, value in _kept().items() if name != AGAINST}
    _put(kept | ({AGAINST: run_id} if run_id else {}), asked() if run_id else RowFilter())


def open_row(row_id: str) -> None:
    _put(_kept() | {ROW: row_id}, asked())


def close_row() -> None:
    _put(_kept(), asked())


def show(mode: str | None) -> None:
    """Another way to look at it: on paper, or blind."""
    _put(_kept() | ({MODE: mode} if mode else {}), asked())


def close() -> None:
    st.query_params.clear()


def _kept() -> dict[str, str]:
    return {name: st.query_params[name] for name in (RUN, AGAINST) if name in st.query_params}


def _put(kept: dict[str, str], wanted: RowFilter) -> None:
    st.query_params.from_dict({**kept, **wanted.to_address()})
