"""What a press at the review desk does: say it, skip it, take it back, step on."""

from typing import Any

import streamlit as st

from pages.components import session
from pages.components.reviews import address, saying, words
from services import reviews
from services.errors import ConsoleError
from services.messages import Message
from services.reviews import Label, Queue, way
from services.reviews import desk as service
from services.workspace import Workspace

LAST, SKIPPING, LEAVE = "review/last", "review/skipping", "review/leave"


def toggle_skip(id: int) -> None:
    now = st.session_state.get(SKIPPING)
    st.session_state[SKIPPING] = None if now == id else id


def press(id: int, name: str, value: Any) -> None:
    """One choice; where nothing else is asked it is the whole review."""
    st.session_state[saying.key(id, name)] = value
    workspace, queue = _place()
    here = next((item for item in way.of(workspace, queue).items if item.id == id), None)
    if here is not None and saying.at_once(service.asked(workspace, queue, here)):
        save(id)


def save(id: int) -> None:
    _workspace, queue = _place()
    values = saying.chosen(id, queue.labels)
    told = " · ".join(words.value(value) for value in values.values() if value not in (None, ""))
    _try(queue, id, Message("Saved: {what}. U takes it back.", what=told), values=values, why=saying.comment(id))


def skip(id: int, why: str) -> None:
    _workspace, queue = _place()
    why = why or str(st.session_state.get(f"review-write-skip-{id}") or "")
    _try(queue, id, Message("Skipped. U takes it back."), skip=why)


def _try(queue: Queue, id: int, done: Message, values: Any = None, why: str = "", skip: str | None = None) -> None:
    """Write, and go on to the next answer; what could not be written stays on the screen with its reason."""
    workspace = session.workspace()
    try:
        if skip is None:
            service.judge(workspace, queue, id, values, why)
        else:
            service.skip(workspace, queue, id, skip)
    except ConsoleError as error:
        st.session_state[LAST] = error
        return
    saying.keep_typed(id, queue.labels)
    st.session_state[LAST], st.session_state[SKIPPING] = done, None
    address.open_item(queue.id, way.of(workspace, queue).next(id))


def undo(workspace: Workspace, queue: Queue) -> None:
    try:
        id = service.undo(workspace, queue)
    except ConsoleError as error:
        st.session_state[LAST] = error
        return
    saying.clear(id, queue.labels)
    saying.type_again(id)
    st.session_state[LAST] = Message("Taken back. The answer waits for you again.")
    address.open_item(queue.id, id)


def clear(id: int, labels: tuple[Label, ...]) -> None:
    saying.clear(id, labels)


def go(queue: Queue, id: int) -> None:
    st.session_state[SKIPPING] = None
    address.open_item(queue.id, id)


def leave() -> None:
    """Out of the fragment: the whole page changes."""
    address.open_list()
    st.session_state[LEAVE] = True


def found(queue: Queue) -> None:
    address.open_found(queue.id)
    st.session_state[LEAVE] = True


def _place() -> tuple[Workspace, Queue]:
    workspace = session.workspace()
    return workspace, reviews.get(workspace, session.number(address.QUEUE) or 0)
