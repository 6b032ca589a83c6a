"""One answer: its text, how it ended, what it took, and the way to ask again."""

import streamlit as st

from pages.components import editor, feedback, session
from pages.components.playground import numbers
from pages.components.playground.desk import Place
from services import audit, playground, prompts
from services.audit import Verb
from services.messages import Message
from services.playground import Now, Question, Run, State, Variant
from services.workspace import Workspace

TALL = 900
HEIGHT = 380
_ = session.text


def show(place: Place, variant: Variant, question: Question, against: str | None) -> None:
    """The answer of one variant to one question; with `against`, what that other answer does not say is marked."""
    cell = place.run.cells.get((variant.slot.id, question.id)) if place.run else None
    name = session.say(variant.name)
    older = bool(cell) and place.run is not None and not playground.asked_with(place.run, variant)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        mark = f" :orange-badge[{_('before the change')}]" if older else ""
        st.markdown(f"**{variant.letter}** :gray[{name}]{mark}", width="stretch")
        if place.run is not None and cell is not None and not cell.answer.live:
            _show_retry(place.workspace, place.run, variant, question)
    if cell is None:
        st.caption(_("Not asked yet."))
        return
    now = cell.answer.now
    _show_text(now, against)
    if now.error is not None:
        parts = [session.escape(session.say(part)) for part in (now.error.message, now.error.remedy) if part]
        st.error("  \n".join(parts))
    _show_facts(place, now)


def _show_text(now: Now, against: str | None) -> None:
    if now.state is State.WAITING:
        st.caption(_("Waits for its turn."))
    elif now.text:
        with st.container(height=HEIGHT if len(now.text) > TALL else "content", border=False):
            st.markdown(_marked(against, now.text) if against and not now.live else editor.as_written(now.text))
    elif now.state is State.ASKED:
        st.caption(f":material/hourglass_empty: {_('Waiting for the first word.')}")
    elif now.state is State.DONE:
        st.caption(_("The answer is empty."))


def _marked(other: str, text: str) -> str:
    """The text with the words that the other answer does not have on a coloured ground."""
    pieces = prompts.difference(other, text).pieces
    return "".join(
        _on_colour(piece.text) if piece.kind == "added" else editor.as_written(piece.text)
        for piece in pieces
        if piece.kind != "removed"
    )


def _on_colour(text: str) -> str:
    """A colour ends with its line, and a blank at its edge would undo it."""
    lines = []
    for line in text.split("\n"):
        words = line.strip()
        coloured = f":green-background[{session.escape(words)}]" if words else ""
        before, _words, after = line.partition(words) if words else (line, "", "")
        lines.append(f"{before}{coloured}{after}")
    return "  \n".join(lines)


def _show_facts(place: Place, now: Now) -> None:
    reason = playground.finished(now.finish_reason) if now.state is State.DONE else None
    if now.state is State.CANCELLED:
        st.badge(_("cancelled"), color="gray")
    if reason is not None:
        st.badge(session.escape(session.say(reason)), icon=":material/content_cut:", color="orange")
    if now.seconds is None or (now.state is State.FAILED and not now.text):
        return
    about = now.estimated
    parts = [
        *([_("first word {n} s", n=f"{now.first:.1f}")] if now.first is not None else []),
        _("whole {n} s", n=f"{now.seconds:.1f}") if not now.live else _("{seconds} s", seconds=f"{now.seconds:.1f}"),
        _("tokens about {sent} + {got}", sent=now.sent, got=now.got)
        if about
        else _("tokens {sent} + {got}", sent=now.sent, got=now.got),
        _cost(place, now),
    ]
    st.caption(" · ".join(parts), help=_help(place, now))


def _cost(place: Place, now: Now) -> str:
    if place.workspace.settings.practice:
        return _("free")
    return _("cost –") if now.cost is None else numbers.money(place, now.cost)


def _help(place: Place, now: Now) -> str:
    """Where the numbers come from."""
    counted = (
        _("The model did not count the tokens; this is an estimate.")
        if now.estimated
        else _("Tokens as the model counted them: question with prompt, then answer.")
    )
    if place.workspace.settings.practice:
        priced = _("The practice model is free of charge.")
    elif now.cost is None:
        priced = _("MLflow's price list does not know this model, so its cost is unknown.")
    else:
        priced = _("Cost by MLflow's price list and the model's name; your contract may say otherwise.")
    return f"{counted} {priced}"


def _show_retry(workspace: Workspace, run: Run, variant: Variant, question: Question) -> None:
    st.button(
        _("Ask again"),
        icon=":material/refresh:",
        type="tertiary",
        key=f"retry-{variant.slot.id}-{question.id}",
        on_click=_retry,
        args=(workspace, run, variant.slot.id, question.id),
        disabled=not audit.allowed(workspace, Verb.TRY_AGENT),
    )


def _retry(workspace: Workspace, run: Run, slot: str, question: str) -> None:
    with feedback.action(Message("Asked again.")):
        playground.retry(workspace, run, slot, question)
