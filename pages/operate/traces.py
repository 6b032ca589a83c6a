"""Every question with its answer: find one, read what happened."""

import streamlit as st

from pages.components import agent_titles, session, trace_view
from services import agents, monitoring, traces
from services.messages import mark
from services.traces import ORIGINS, Found, TraceQuery

_ = session.text

WINDOWS = {1: mark("1 hour"), 24: mark("24 hours"), 168: mark("7 days"), 720: mark("30 days"), 87600: mark("All")}
PAGE = 20


def open_trace(trace_id: str) -> None:
    st.query_params["trace"] = trace_id


def turn(page: int) -> None:
    st.session_state["traces-page"] = page


def open_all() -> None:
    st.query_params.pop("prompt", None)
    st.query_params.pop("agent", None)


def first_page() -> None:
    turn(0)


def ask_for() -> TraceQuery:
    """The filters, which an address may have set."""
    given = st.query_params
    hours = int(given["hours"]) if given.get("hours", "").isdecimal() else 24
    names = sorted({one.name for one in monitoring.production_scorers(workspace)} | {given.get("failed", "")} - {""})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = st.selectbox(
            _("Time"),
            list(WINDOWS),
            _closest(hours),
            format_func=lambda one: _(WINDOWS[one]),
            key="traces-hours",
            on_change=first_page,
        )
        origin = st.selectbox(
            _("Origin"), [*ORIGINS, None], format_func=_origin, key="traces-origin", on_change=first_page
        )
        failed = st.selectbox(
            _("Failed by scorer"),
            names,
            _position(names, given.get("failed")),
            key="traces-failed",
            placeholder=_("Any"),
            on_change=first_page,
        )
        text = st.text_input(_("Words in question or answer"), key="traces-text", on_change=first_page)
        errors = st.checkbox(_("Only failed"), given.get("errors") == "1", key="traces-errors", on_change=first_page)
    page = st.session_state.get("traces-page", 0)
    agent, prompt = asked_agent(), asked_prompt()
    return TraceQuery(window, origin, failed, errors, agent, prompt, text or None, PAGE, page * PAGE)


def asked_agent() -> str | None:
    """The agent version that the address asks for, with a way to all traces again."""
    model_id = st.query_params.get("agent")
    if not model_id:
        return None
    agent = agents.get(workspace, model_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        told = session.escape(agent_titles.label(agent))
        st.markdown(_("Only answers of this agent: {agent}.", agent=told), width="content")
        st.button(_("All traces"), key="all-agents", on_click=open_all)
    return model_id


def asked_prompt() -> tuple[str, int] | None:
    """The prompt version that the address asks for, with a way to all traces again."""
    name, _slash, number = st.query_params.get("prompt", "").rpartition("/")
    if not name or not number.isdecimal() or len(number) > 9:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            _("Only answers given with {prompt}, version {n}.", prompt=session.escape(name), n=number), width="content"
        )
        st.button(_("All traces"), key="all-prompts", on_click=open_all)
    return name, int(number)


def _closest(hours: int) -> int:
    return next((position for position, window in enumerate(WINDOWS) if window >= hours), len(WINDOWS) - 1)


def _position(names: list[str], chosen: str | None) -> int | None:
    return names.index(chosen) if chosen in names else None


def _origin(origin: str | None) -> str:
    return _(ORIGINS[origin]) if origin else _("All origins")


def show_list(found: Found, query: TraceQuery) -> None:
    for row in found.rows:
        trace_view.show_row(row, open_trace)
    page = query.offset // PAGE
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Newer"), key="newer", on_click=turn, args=(page - 1,), disabled=page == 0)
        st.caption(_("Page {n}", n=page + 1), width="content")
        st.button(_("Older"), key="older", on_click=turn, args=(page + 1,), disabled=not found.more)


workspace = session.workspace()
st.title(_("Traces"), anchor=False)
chosen = st.query_params.get("trace")
if chosen:
    trace_view.show(workspace, chosen)
    st.stop()
query = ask_for()
found = traces.find(workspace, query)
if found.rows:
    show_list(found, query)
elif query.text:
    st.info(
        _(
            "No trace of this time and origin has the words “{text}” in its question or answer. Change the words, or "
            "choose a longer time.",
            text=session.escape(query.text),
        )
    )
else:
    st.info(_("No trace fits. Choose a longer time or another origin, or ask something on the Endpoints screen."))
    st.page_link(session.page("endpoints"), label=_("Open Endpoints"), icon=":material/dns:")
if found.capped:
    st.warning(_("Only the newest {n} traces of this time were looked at.", n=traces.MOST_READ))
