"""What the screen of reviews shows is said by its address, so that it can be shared."""

import streamlit as st

QUEUE, ITEM, VIEW, NEW, SESSION = "queue", "item", "view", "new", "session"
FOUND = "found"


def open_list() -> None:
    st.query_params.clear()


def open_new() -> None:
    st.query_params.from_dict({NEW: "1"})


def open_queue(id: int) -> None:
    st.query_params.from_dict({QUEUE: str(id)})


def open_found(id: int) -> None:
    st.query_params.from_dict({QUEUE: str(id), VIEW: FOUND})


def open_session(id: str) -> None:
    """A labeling session of the workspace."""
    st.query_params.from_dict({SESSION: id})


def open_item(queue_id: int, id: int | None) -> None:
    """One answer of a queue; None leaves the choice to the desk."""
    st.query_params.from_dict({QUEUE: str(queue_id)} | ({ITEM: str(id)} if id is not None else {}))
