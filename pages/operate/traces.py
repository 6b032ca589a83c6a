"""Every question with its answer: find one, read what happened; or whole conversations."""

from collections.abc import Iterator
from dataclasses import replace

import streamlit as st

from pages.components import screens, session, trace_filters, trace_view
from services import readmodel
from services.traces import Found, TraceQuery, archived

_ = session.text

PAGE = 20


def open_trace(trace_id: str) -> None:
    st.query_params["trace"] = trace_id


def open_conversation(id: str) -> None:
    st.query_params["session"] = id
    st.session_state["traces-conversations"] = False


def show_list(found: Found, query: TraceQuery) -> None:
    for row in found.rows[::-1] if query.session else found.rows:  # a conversation is read from its beginning
        trace_view.show_row(row, open_trace)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Newer"),
            key="newer",
            on_click=trace_filters.turn,
            kwargs={"after": found.newer},
            disabled=found.newer is None,
        )
        st.button(
            _("Older"),
            key="older",
            on_click=trace_filters.turn,
            kwargs={"before": found.older},
            disabled=found.older is None,
        )


def show_conversations(query: TraceQuery) -> None:
    """The newest ones; a narrower time shows others."""
    found = readmodel.conversations(workspace, query)
    if not found:
        st.info(_("No conversation fits. A trace belongs to one when the app says which (session)."))
    for one in found:
        trace_view.show_conversation(one, open_conversation)
    if len(found) == query.limit:
        st.caption(_("The newest {n} conversations. Choose a shorter time or words to find others.", n=query.limit))


def show_nothing(query: TraceQuery) -> None:
    helps = list(what_helps(query))
    if helps and readmodel.find(workspace, TraceQuery(hours=trace_filters.EVER, origin=None, limit=1)).rows:
        st.info(session.joined(_("No trace fits."), *helps))
        return
    st.info(_("No trace yet. Ask something on the Endpoints screen; its trace stands here within ten seconds."))
    st.page_link(session.page("endpoints"), label=_("Open Endpoints"), icon=":material/dns:")


def what_helps(query: TraceQuery) -> Iterator[str]:
    """What of the choice could let more traces in; nothing for who asks for all of them."""
    if query.text:
        yield _("Change the words: each of them must stand in the question or the answer.")
    one = (query.state, query.scorer, query.version, query.prompt, query.user, query.session)
    if any(one) or query.opinion is not None:
        yield _("Take a filter away.")
    if query.since or query.hours < trace_filters.EVER:
        yield _("Choose a longer time.")
    if query.origin:
        yield _("Choose another origin.")


def show_archived(query: TraceQuery) -> None:
    """What MLflow lost by its age, when it is asked for."""
    lost = archived.lost_before(workspace)
    if lost is None:
        return
    label = _("Look in the archive too, for what was asked before {day}", day=f"{lost}")
    if not st.toggle(label, key="traces-archive"):
        return
    with st.spinner(_("Looking in the archive")):
        rows = archived.find(workspace, replace(query, limit=PAGE))
    if not rows:
        st.info(session.joined(_("Nothing in the archive fits."), *what_helps(query)))
    for row in rows:
        trace_view.show_row(row, open_trace)
    if len(rows) == PAGE:
        st.caption(_("The newest {n} of the archive. Choose words, a person or a conversation to find others.", n=PAGE))


workspace = session.workspace()
screens.show_title("traces")
chosen = st.query_params.get("trace")
if chosen:
    trace_view.show(workspace, chosen)
    st.stop()
readmodel.catch_up(workspace)
trace_filters.show(workspace)
query = trace_filters.query(PAGE)
if st.toggle(_("Show conversations"), key="traces-conversations"):
    show_conversations(query)
    st.stop()
found = readmodel.find(workspace, query)
if found.rows:
    show_list(found, query)
else:
    show_nothing(query)
show_archived(query)
