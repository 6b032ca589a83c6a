"""Which prompt and which of its views the address names."""

import streamlit as st

PARAMS = ("new", "import", "prompt", "view", "version", "against", "draft", "edit")


def open_prompt(name: str, view: str = "write", **params: str | int) -> None:
    """Make the address name this prompt and nothing else."""
    _clear()
    st.query_params.update({"prompt": name, "view": view} | {key: str(value) for key, value in params.items()})


def open_list() -> None:
    _clear()


def open_new() -> None:
    """The form of a prompt that has no name yet."""
    _clear()
    st.query_params["new"] = "1"


def open_import() -> None:
    _clear()
    st.query_params["import"] = "1"


def _clear() -> None:
    for param in PARAMS:
        st.query_params.pop(param, None)
