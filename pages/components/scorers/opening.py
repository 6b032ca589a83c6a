"""What the scorers screen shows is said by its address, so that it can be shared."""

import streamlit as st

PARTS = ("scorer", "add", "part")


def open_list() -> None:
    for name in PARTS:
        st.query_params.pop(name, None)


def open_one(name: str, part: str = "settings") -> None:
    open_list()
    st.query_params["scorer"], st.query_params["part"] = name, part


def open_catalogue() -> None:
    open_list()
    st.query_params["add"] = "all"


def open_entry(id: str) -> None:
    open_list()
    st.query_params["add"] = id
