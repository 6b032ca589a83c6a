"""One answer as a person reads it: what was asked, what was looked up, what was answered, what was thought of it."""

import streamlit as st

from pages.components import scorer_failure, session
from pages.components.editor import as_written
from pages.components.evaluations import row
from pages.components.reviews import words
from pages.components.trace_view import verdict_badge
from services.reviews.shown import Document, Opinion, Shown

_, say = session.text, session.say
SHORT = 800


def show(seen: Shown) -> None:
    """Question, context and answer."""
    with st.container(border=True, key="review-question"):
        _show_question(seen)
    if seen.documents:
        short = sum(len(one.text) for one in seen.documents) <= SHORT
        with st.expander(_("What it looked up ({n})", n=len(seen.documents)), short, icon=":material/menu_book:"):
            for number, document in enumerate(seen.documents, 1):
                _show_document(number, document)
    with st.container(border=True, key="review-answer"):
        row.said(_("Answer"), seen.story.answer or _("(no answer)"))
        if seen.story.cut:
            st.caption(_(":orange[The token limit ended this answer before it was complete.]"))
        if seen.story.abandoned:
            st.caption(_("The person hung up before the answer was complete."))
    for _name, expected in seen.expected:
        with st.container(border=True):
            row.said(_("Expected"), expected)
    _show_facts(seen)


def show_verdicts(seen: Shown) -> None:
    """Each verdict with its reason, also what people said elsewhere."""
    st.markdown(f"**{_('What was thought of it')}**")
    if not seen.story.verdicts:
        st.caption(_("Nobody has judged this answer."))
    for one in seen.story.verdicts:
        st.markdown(
            f"{verdict_badge(one, words.value)} **{session.escape(one.scorer)}**  \n{as_written(say(one.reason))}"
        )
        if one.own_words:
            scorer_failure.show(one.own_words)
        st.caption(session.escape(say(one.source)))


def show_others(others: tuple[Opinion, ...]) -> None:
    """What the two said whom a referee decides between."""
    st.markdown(f"**{_('Two people differ')}**")
    for number, one in enumerate(others, 1):
        told = [f"{name}: {words.value(value)}" for name, value in one.said.items()]
        comment = f"  \n{as_written(one.comment)}" if one.comment else ""
        st.markdown(_("Reviewer {n}", n=number) + f" · **{session.escape(' · '.join(told))}**{comment}")


def _show_question(seen: Shown) -> None:
    turns = seen.turns or (("user", seen.story.question),)
    if len(turns) == 1:
        row.said(_("Question"), seen.story.question or turns[0][1] or _("(empty)"))
        return
    st.caption(_("Question, with what was said before it"))
    for role, text in turns:
        st.markdown(f"**{_(row.ROLE.get(role, role))}**  \n{as_written(text)}")


def _show_document(number: int, document: Document) -> None:
    source = f" · {session.escape(document.source)}" if document.source else ""
    st.markdown(f"**{number}**{source}  \n{as_written(document.text)}")


def _show_facts(seen: Shown) -> None:
    trace = seen.story.row
    with st.container(horizontal=True, vertical_alignment="center"):
        practice = [_("practice model")] if seen.story.practice else []
        told = [session.moment(trace.time), session.seconds(trace.seconds), *practice]
        st.caption(session.escape(" · ".join(told)), width="content")
        st.page_link(
            session.page("traces"),
            label=_("Open the trace"),
            icon=":material/account_tree:",
            query_params={"trace": trace.trace_id},
        )
