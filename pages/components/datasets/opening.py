"""Where the address leads on the Datasets screen."""

import streamlit as st

PARAMS = ("dataset", "view", "new", "version")


def open_dataset(id: str, view: str = "questions", **params: str) -> None:
    """Make the address name this dataset and nothing else."""
    open_list()
    st.query_params.update({"dataset": id, "view": view} | params)


def open_list() -> None:
    for param in PARAMS:
        st.query_params.pop(param, None)


def open_new() -> None:
    open_list()
    st.query_params["new"] = "1"
