"""One box for prompts, releases and traces; what it found leads to its screen."""

import streamlit as st

from pages.components import environments, release_words, session, trace_view
from services import releases, search
from services.apps import Stage
from services.search import MOST, Results

_ = session.text


def ask() -> None:
    st.query_params.clear()
    if words := str(st.session_state["search-words"]).strip():
        st.query_params["q"] = words


def open_trace(trace_id: str) -> None:
    st.session_state["search-chosen"] = trace_id


def show_prompts(found: Results) -> None:
    st.header(_("Prompts"), anchor=False)
    for row in found.prompts:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.page_link(
                session.page("prompts"),
                label=session.escape(row.name),
                icon=":material/edit_note:",
                query_params={"prompt": row.name},
            )
            if row.excerpt:
                parts = (
                    f"**{session.escape(text)}**" if hit else session.escape(text) for text, hit in row.excerpt.parts
                )
                st.markdown(f":gray[{_('version {n}', n=row.excerpt.version)}] {''.join(parts)}")
    if found.prompts_total > MOST:
        st.page_link(
            session.page("prompts"),
            label=_("All {n} in Prompts", n=found.prompts_total),
            icon=":material/edit_note:",
            query_params={"q": words, "archived": "1"},
        )


def show_releases(found: Results) -> None:
    st.header(_("Releases"), anchor=False)
    live, replaced = releases.live(workspace), releases.successors(workspace)
    for one in found.releases:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.page_link(
                session.page("releases"),
                label=_("Release {id}", id=one.id),
                icon=":material/train:",
                query_params={"release": str(one.id)},
            )
            st.markdown(
                release_words.standing(one, live, replaced.get(one.id))
                if one.stage is Stage.PRODUCTION
                else f"{environments.badge(one)} {release_words.badge(one)}"
            )
            st.markdown(release_words.sentence(one))
            st.caption(f"{session.escape(one.actor)} · {session.moment(one.created_at)}")
            if one.why:
                st.caption(f"“{session.escape(' '.join(one.why.split()))}”")
    if found.releases_total > MOST:
        st.caption(_("The newest {n} of {total}. More words find fewer.", n=MOST, total=found.releases_total))


def show_traces(found: Results) -> None:
    st.header(_("Traces"), anchor=False)
    for row in found.traces:
        trace_view.show_row(row, open_trace)
    if found.more_traces:
        st.page_link(
            session.page("traces"),
            label=_("All of them in Traces"),
            icon=":material/account_tree:",
            query_params={"text": words, "hours": "87600", "origin": "any"},
        )


workspace = session.workspace()
if trace_id := st.session_state.pop("search-chosen", None):
    st.switch_page(session.page("traces"), query_params={"trace": trace_id})
words = st.query_params.get("q", "")
st.title(_("Search"), anchor=False)
st.session_state["search-words"] = words
st.text_input(
    _("Search in this app"),
    key="search-words",
    icon=":material/search:",
    placeholder=_("Words of a prompt, a question or an answer, a person, or the number of a release"),
    help=_("All words must occur. Capitals do not matter."),
    max_chars=200,
    on_change=ask,
)
if not words:
    st.caption(_("Finds prompts with all their versions, releases, and questions with their answers."))
    st.stop()
found = search.find(workspace, words)
if found.empty:
    st.info(
        _(
            "Nothing in this app has all of the words “{text}”. Try fewer or other words.",
            text=session.escape(words),
        )
    )
    st.stop()
if found.prompts:
    show_prompts(found)
if found.releases:
    show_releases(found)
if found.traces:
    show_traces(found)
