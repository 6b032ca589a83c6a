"""Working through a queue: one answer after the other, by mouse or by keys alone."""

import streamlit as st

from pages.components import session
from pages.components.reviews import acting, address, keys, reading, saying, words
from services import audit, reviews
from services.audit import Verb
from services.errors import ConflictError, ConsoleError
from services.reviews import Queue, Way, shown, way
from services.reviews import desk as service
from services.reviews.records import DONE, HELD, SKIPPED, Item
from services.workspace import Workspace

_, say = session.text, session.say
TRIES = 5


def show(workspace: Workspace, queue: Queue) -> None:
    """The desk, alone on the page: a click or a key draws nothing else anew, so that focus and scrolling stay."""
    reviews.refresh(workspace, queue)

    @st.fragment
    def desk() -> None:
        if st.session_state.pop(acting.LEAVE, False):
            st.rerun()
        _draw(workspace, queue)

    desk()


def _draw(workspace: Workspace, queue: Queue) -> None:
    here, item = _take(workspace, queue)
    _show_way(queue, here, item)
    # Places of their own: what comes and goes must not take the focus from the buttons below.
    with st.container():
        _show_last()
    with st.container():
        keys.show_sheet()
    if item is None:
        _show_end(queue, here)
        return
    keys.listen()
    try:
        seen = shown.show(workspace, queue, item)
    except ConsoleError as error:
        st.error(session.escape(f"{say(error.message)} {say(error.remedy or '')}"), icon=":material/error:")
        _show_skip(workspace, queue, item)
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        reading.show(seen)
    with right:
        _show_mine(workspace, queue, item, seen)


def _take(workspace: Workspace, queue: Queue) -> tuple[Way, Item | None]:
    """The answer that the address names, else the next one that is free; another one when somebody was quicker."""
    asked = session.number(address.ITEM)
    for _try in range(TRIES):
        here = way.of(workspace, queue)
        id = asked if asked in here.ids else here.next(asked)
        if id is None:
            break
        try:
            return here, service.take(workspace, queue, id)
        except ConflictError:
            asked = id
    return here, None


def _show_way(queue: Queue, here: Way, item: Item | None) -> None:
    id = item.id if item else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("All queues"), icon=":material/arrow_back:", key="reviews-back", shortcut="Esc", on_click=acting.leave
        )
        for label, icon, name, step in (
            (_("Previous"), ":material/chevron_left:", "Left", -1),
            (_("Next"), ":material/chevron_right:", "Right", 1),
        ):
            beside = here.beside(id, step)
            st.button(
                label,
                icon=icon,
                key=f"review-{name.lower()}",
                shortcut=name,
                on_click=acting.go,
                args=(queue, beside),
                disabled=beside is None,
            )
        st.button(
            _("Undo"),
            icon=":material/undo:",
            key="review-undo",
            shortcut="U",
            on_click=acting.undo,
            args=(session.workspace(), queue),
            disabled=not (queue.open and here.mine),
        )
        keys.show_button()
    done = here.complete + here.aside
    st.progress(done / here.total if here.total else 0.0, words.progress(here))


def _show_last() -> None:
    """What the last press did, or why it could not."""
    last = st.session_state.pop(acting.LAST, None)
    if isinstance(last, ConsoleError):
        st.error(session.escape(f"{say(last.message)} {say(last.remedy or '')}"), icon=":material/error:")
    elif last is not None:
        st.caption(f":green[:material/check:] {session.escape(say(last))}")


def _show_end(queue: Queue, here: Way) -> None:
    if not here.total:
        st.info(_("This queue is empty: nothing fits its rule yet."))
    elif here.finished:
        st.success(_("Every answer is judged or set aside."), icon=":material/check_circle:")
    else:
        st.info(_("No answer waits for you now: others have the rest in hand, or a second person must look."))
    if here.total:
        st.button(
            _("What it found"),
            icon=":material/insights:",
            key="desk-found",
            type="primary",
            on_click=acting.found,
            args=(queue,),
        )


def _show_mine(workspace: Workspace, queue: Queue, item: Item, seen: shown.Shown) -> None:
    """What this person says, and below it what others think when it may be seen."""
    mine = item.of(workspace.actor.id)
    with st.container():
        if seen.others:
            reading.show_others(seen.others)
    if _skipping(item) and mine is not None and mine.state == HELD:
        _show_skip(workspace, queue, item)
        # What was typed is lost when its fields are not drawn; without keys, which are the reasons' now.
        saying.show_fields(item, service.asked(workspace, queue, item))
    elif mine is not None and mine.state == SKIPPED:
        st.info(_("You skipped it: {why}", why=session.escape(words.skipped(mine.why))))
        st.caption(_("Undo brings the last one back, step by step."))
    else:
        _show_labels(workspace, queue, item, seen)
    if shown.verdicts_hidden(queue, item, workspace.actor.id):
        st.caption(_("The scorers' verdicts show when you have judged."))
    else:
        reading.show_verdicts(seen)


def _show_labels(workspace: Workspace, queue: Queue, item: Item, seen: shown.Shown) -> None:
    mine = item.of(workspace.actor.id)
    labels = service.asked(workspace, queue, item)
    may = queue.open and mine is not None and audit.allowed(workspace, Verb.REVIEW_ANSWER)
    saying.remember(item, labels, seen)
    with st.container():
        if mine is not None and mine.state == DONE:
            st.caption(_("You have judged it. Say it again to change it."))
    saying.show(item, labels, may, acting.press)
    if not saying.at_once(labels):
        with st.container(horizontal=True):
            st.button(
                _("Save and go on"),
                key="review-save",
                type="primary",
                shortcut="Ctrl+Enter",
                on_click=acting.save,
                args=(item.id,),
                disabled=not may,
            )
            st.button(_("Clear"), key="review-clear", shortcut="X", on_click=acting.clear, args=(item.id, labels))
    if mine is not None and mine.state == HELD:
        _show_skip(workspace, queue, item)


def _show_skip(workspace: Workspace, queue: Queue, item: Item) -> None:
    """Why it is skipped: a reason by its digit, or in words."""
    if not _skipping(item):
        st.button(
            _("Skip with a reason"),
            key="review-skip",
            icon=":material/redo:",
            shortcut="S",
            type="tertiary",
            on_click=acting.toggle_skip,
            args=(item.id,),
        )
        return
    with st.container(border=True, key="review-skipping"):
        st.markdown(f"**{_('Why do you skip it?')}**")
        for number, why in enumerate(words.SKIP, 1):
            st.button(
                _(why),
                key=f"skip-{number}",
                shortcut=str(number),
                width="stretch",
                on_click=acting.skip,
                args=(item.id, why),
            )
        st.text_input(_("Another reason (W)"), key=f"review-write-skip-{item.id}", max_chars=service.LONGEST_WHY)
        with st.container(horizontal=True):
            st.button(_("Skip"), key="skip-typed", shortcut="Ctrl+Enter", on_click=acting.skip, args=(item.id, ""))
            st.button(_("Do not skip"), key="skip-back", shortcut="S", on_click=acting.toggle_skip, args=(item.id,))


def _skipping(item: Item) -> bool:
    return bool(st.session_state.get(acting.SKIPPING) == item.id)
