"""Deleting a trace, or all that one person asked, for good: said plainly before it is done."""

from collections.abc import Callable

import streamlit as st

from pages.components import session
from services import audit, readmodel
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message
from services.traces import TraceQuery, TraceStory, erasing
from services.traces.erasing import Erased
from services.workspace import Workspace

_ = session.text

MOST_COUNTED = 1000


def show(workspace: Workspace, story: TraceStory) -> None:
    """For admins only; nobody else needs to see it."""
    if not audit.allowed(workspace, Verb.ERASE_TRACES):
        return
    with st.expander(_("Delete for good (personal data)")):
        st.markdown(
            _(
                "It disappears from MLflow, from the charts and the search, from the archive on this machine, and from the "
                "datasets that took it over. Nobody can bring it back. Frozen versions of datasets and finished evaluations keep what they were judged on. "
                "The record names the trace, never its words."
            )
        )
        left = erasing.left_over(workspace)
        if left:
            st.warning(session.say(left))
        if story.user:
            _show_person(workspace, story.user)
        why = st.text_input(_("Reason, without names"), key="erase-why")
        with st.container(horizontal=True):
            st.button(
                _("Delete this trace"),
                key="erase-one",
                on_click=_erase,
                args=(workspace, story),
                disabled=not why.strip(),
            )
            if story.user:
                st.button(
                    _("Delete everything this person asked"),
                    key="erase-person",
                    on_click=_erase_person,
                    args=(workspace, story.user),
                    disabled=not why.strip(),
                )


def _show_person(workspace: Workspace, person: str) -> None:
    """Whose questions go, and how many, before anything does."""
    n, more = readmodel.count(workspace, TraceQuery(hours=erasing.EVER, origin=None, user=person), MOST_COUNTED)
    told = _("{n} or more", n=f"{n:,}") if more else f"{n:,}"
    st.markdown(_("This person is {name}; questions in MLflow: {n}.", name=f"**{session.escape(person)}**", n=told))


def _erase(workspace: Workspace, story: TraceStory) -> None:
    _told(lambda: erasing.erase(workspace, story.row.trace_id, st.session_state["erase-why"]))


def _erase_person(workspace: Workspace, person: str) -> None:
    _told(lambda: erasing.erase_person(workspace, person, st.session_state["erase-why"]))


def _told(erase: Callable[[], Erased]) -> None:
    try:
        erased = erase()
    except ConsoleError as error:
        st.session_state["_outcome"] = error
        return
    st.session_state["_outcome"] = Message(
        "Deleted for good: {traces} {traces:trace|traces}, {rows} {rows:question|questions} of datasets.",
        traces=erased.traces,
        rows=erased.rows,
    )
    st.query_params.pop("trace", None)
