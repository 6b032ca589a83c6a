"""All review queues: how far each is, and the way into it."""

import streamlit as st

from pages.components import feedback, session
from pages.components.reviews import address, labeling, words
from services import audit, reviews
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message
from services.reviews import Queue, Way
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    found = reviews.all(workspace)
    st.button(
        _("New queue"),
        icon=":material/add:",
        key="new-queue",
        type="secondary" if found else "primary",
        on_click=address.open_new,
        disabled=not audit.allowed(workspace, Verb.SAVE_QUEUE),
    )
    if not found:
        st.info(
            _(
                "No answers wait for people yet. Make a queue: say which answers should be looked at and what you want to "
                "know about each. What people say is kept with the answers, measures the scorers and can become questions "
                "of a dataset."
            )
        )
    for queue, way in found:
        _show_one(workspace, queue, way)
    if workspace.settings.databricks is not None:
        labeling.show_all(workspace)


def _show_one(workspace: Workspace, queue: Queue, way: Way) -> None:
    with st.container(border=True, key=f"queue-{queue.id}"):
        said, ways = st.columns([3, 2], vertical_alignment="center")
        with said:
            closed = "" if queue.open else f" :gray-badge[{_('closed')}]"
            st.markdown(f"**{session.escape(queue.name)}**{closed}")
            st.caption(session.escape(words.rule(queue.rule)) + "  \n" + session.escape(words.people(queue)))
        with ways.container(horizontal=True, horizontal_alignment="right"):
            if way.waiting:
                st.button(
                    _("Review ({n})", n=len(way.waiting)),
                    key=f"review-{queue.id}",
                    type="primary",
                    icon=":material/rate_review:",
                    on_click=address.open_queue,
                    args=(queue.id,),
                )
            elif way.mine and queue.open:
                st.button(_("Open"), key=f"review-{queue.id}", on_click=address.open_queue, args=(queue.id,))
            st.button(
                _("What it found"),
                key=f"found-{queue.id}",
                icon=":material/insights:",
                on_click=address.open_found,
                args=(queue.id,),
            )
            _show_close(workspace, queue)
        _show_progress(workspace, queue, way)


def _show_close(workspace: Workspace, queue: Queue) -> None:
    st.button(
        _("Close") if queue.open else _("Open again"),
        key=f"close-{queue.id}",
        help=_("A closed queue waits for nobody. What was said in it stays."),
        on_click=_close,
        args=(workspace, queue),
        disabled=not audit.allowed(workspace, Verb.CLOSE_QUEUE),
    )


def _show_progress(workspace: Workspace, queue: Queue, way: Way) -> None:
    if way.total:
        st.progress((way.complete + way.aside) / way.total, words.progress(way))
    else:
        st.caption(_("Nothing fits the rule yet."))
    if queue.open and way.total < queue.rule.most:
        st.button(
            _("Look for answers"),
            key=f"fill-{queue.id}",
            icon=":material/search:",
            type="tertiary",
            on_click=_fill,
            args=(workspace, queue),
            disabled=not audit.allowed(workspace, Verb.FILL_QUEUE),
        )


def _fill(workspace: Workspace, queue: Queue) -> None:
    try:
        n = reviews.fill(workspace, queue)
    except ConsoleError as error:
        st.session_state["_outcome"] = error
        return
    nothing = Message("No answer fits that is not in the queue yet.")
    st.session_state["_outcome"] = Message("Answers that came into the queue: {n}.", n=n) if n else nothing


def _close(workspace: Workspace, queue: Queue) -> None:
    closed = Message("The queue {name} is closed.", name=queue.name)
    opened = Message("The queue {name} is open again.", name=queue.name)
    with feedback.action(closed if queue.open else opened):
        reviews.close(workspace, queue, closed=queue.open)
