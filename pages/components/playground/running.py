"""What holds a run back, the button that begins it, and its progress."""

import streamlit as st

from pages.components import feedback, session
from pages.components.playground import desk, questions
from pages.components.playground.desk import Place
from services import audit, playground
from services.audit import Verb
from services.messages import Message
from services.playground import Blocker, Run

RECHECK_SECONDS = 1.0
_ = session.text


def show(place: Place) -> None:
    """What must be mended first, then the buttons."""
    found = [*playground.blockers(place.workspace, place.desk, place.variants), *_unreachable(place)]
    _show_blockers(found)
    questions.ask_values(place)
    cells = len(place.desk.questions) * len(place.variants)
    missing = playground.missing(place.workspace, place.desk, place.variants, place.run)
    live = place.run is not None and place.run.live
    held = live or any(one.blocking for one in found) or not audit.allowed(place.workspace, Verb.TRY_AGENT)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Ask (answers: {n})", n=cells),
            type="primary",
            icon=":material/play_arrow:",
            key="playground-ask",
            on_click=_start,
            args=(place, False),
            disabled=held,
        )
        if place.run is not None and 0 < missing < cells:
            st.button(
                _("Ask only what is missing ({n})", n=missing),
                icon=":material/playlist_add:",
                key="playground-missing",
                on_click=_start,
                args=(place, True),
                disabled=held,
            )
        if place.workspace.settings.practice:
            st.caption(_("The practice model answers, not a real language model; it is free of charge."))


def show_progress(run: Run) -> None:
    """How far a live run is, and the way to stop it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(run.done / len(run.cells), _("Answers: {done} of {all}", done=run.done, all=len(run.cells)))
        st.button(_("Cancel"), icon=":material/stop:", key="playground-cancel", on_click=_cancel, args=(run,))


def _unreachable(place: Place) -> list[Blocker]:
    """What is known about the model server without asking for an answer."""
    known = playground.reach(place.workspace)
    if known.pending:
        _watch(place)
        return []
    if known.error is not None:
        with st.container(horizontal=True):
            st.button(
                _("Look again"),
                icon=":material/refresh:",
                key="look-again",
                on_click=playground.ask_again,
                args=(place.workspace,),
            )
        return [Blocker(known.error.message, known.error.remedy or Message("Correct it."))]
    practice, unlisted = place.workspace.settings.practice, dict[str, list[str]]()
    for one in place.variants:
        if not known.lists(one.model):
            unlisted.setdefault(one.model, []).append(one.letter)
    return [
        Blocker(
            Message("{letter}: the model server does not list the model {model}.", letter=", ".join(letters), model=model),
            Message("Choose another model for it, or connect a model server that has it.")
            if practice
            else Message("Choose another model for it, or try all the same."),
            blocking=practice,
        )
        for model, letters in unlisted.items()
    ]  # fmt: skip


def _watch(place: Place) -> None:
    """Draw the page again as soon as the model server has answered."""

    @st.fragment(run_every=RECHECK_SECONDS)
    def look() -> None:
        st.caption(_("Looking for the model …"))
        if not playground.reach(place.workspace, 0).pending:
            st.rerun()

    look()


def _show_blockers(found: list[Blocker]) -> None:
    for blocking in (True, False):
        lines = [
            session.escape(session.joined(session.say(one.message), session.say(one.remedy)))
            for one in found
            if one.blocking is blocking
        ]
        if lines:
            shown = st.warning if blocking else st.info
            listed = [f"- {line}" for line in dict.fromkeys(lines)] if len(lines) > 1 else lines
            shown("\n".join(listed), icon=":material/block:" if blocking else ":material/info:")


def _start(place: Place, only_missing: bool) -> None:
    workspace, prompt = place.workspace, place.prompt
    with feedback.action(Message("Asked. The answers appear below.")):
        now = desk.change(workspace, prompt)
        variants = playground.resolve(workspace, now, place.found, place.draft)
        run = playground.start(workspace, now, variants, place.run if only_missing else None)
        desk.hold_run(workspace, run)


def _cancel(run: Run) -> None:
    with feedback.action(Message("Cancelled. What came so far stays.")):
        playground.cancel(run)
