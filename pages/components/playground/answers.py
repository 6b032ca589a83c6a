"""The answers: a line for each question, a cell for each variant, drawn again and again while they grow."""

import streamlit as st

from pages.components import editor, feedback, session
from pages.components.playground import questions, running
from pages.components.playground.desk import Place
from pages.components.playground.numbers import money
from pages.components.playground.variants import NARROWEST
from services import audit, datasets, playground
from services.audit import Verb
from services.datasets import Dataset
from services.messages import Message
from services.playground import Now, Question, Run, State, Variant
from services.workspace import Workspace

EVERY_SECONDS = 0.5
TALL = 900
HEIGHT = 380
LONGEST_QUESTION = 400
_ = session.text


def show(place: Place) -> None:
    """The whole grid; a part that refreshes itself while anything is on its way."""
    live = place.run is not None and place.run.live
    found = datasets.all(place.workspace)
    changed = f"changed-{place.workspace.app.id}-{place.prompt}"

    @st.fragment(run_every=EVERY_SECONDS if live else None)
    def follow() -> None:
        feedback.show_at_once()
        now = place.run is not None and place.run.live
        if st.session_state.pop(changed, False) or now != live:
            st.rerun()
        if place.run is not None and now:
            running.show_progress(place.run)
        for number, question in enumerate(place.desk.questions, 1):
            _show_line(place, number, question, found, changed)

    follow()


def _show_line(place: Place, number: int, question: Question, found: list[Dataset], changed: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        text = question.text[:LONGEST_QUESTION] + ("…" if len(question.text) > LONGEST_QUESTION else "")
        st.markdown(f"**{number}**  {editor.as_written(text)}", width="stretch")
        if question.source:
            st.caption(_source(question), width="content")
        _show_keep(place, question, found)
        st.button(
            _("Take out"),
            icon=":material/close:",
            key=f"out-{question.id}",
            type="tertiary",
            on_click=_take_out,
            args=(place.workspace, place.prompt, question.id, changed),
        )
    with st.grid(max(1, len(place.variants)), min_column_width=NARROWEST, border=True, gap="xsmall") as cells:
        for variant in place.variants:
            with cells.cell(), st.container(gap="xsmall"):
                _show_cell(place, variant, question)


def _source(question: Question) -> str:
    name = session.escape(question.source)
    return _("from {name}", name=name) if question.kind == "dataset" else _("from trace {id}", id=name[:14] + "…")


def _show_keep(place: Place, question: Question, found: list[Dataset]) -> None:
    key = f"keep-in-{question.id}"
    with st.popover(
        _("Add to a dataset"),
        icon=":material/dataset:",
        type="tertiary",
        disabled=not found or not audit.allowed(place.workspace, Verb.SAVE_DATASET),
        help=None if found else _("There is no dataset yet. Make one on the Datasets screen."),
    ):
        names = {one.id: one.name for one in found}
        st.selectbox(_("Dataset"), list(names), format_func=names.__getitem__, key=key)
        st.button(
            _("Add this question"),
            type="primary",
            key=f"keep-{question.id}",
            on_click=_keep,
            args=(place.workspace, question, key, names),
        )


def _show_cell(place: Place, variant: Variant, question: Question) -> None:
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
    _show_text(now)
    if now.error is not None:
        parts = [session.escape(session.say(part)) for part in (now.error.message, now.error.remedy) if part]
        st.error("  \n".join(parts))
    _show_facts(place, now)


def _show_text(now: Now) -> None:
    if now.state is State.WAITING:
        st.caption(_("Waits for its turn."))
    elif now.text:
        with st.container(height=HEIGHT if len(now.text) > TALL else "content", border=False):
            st.markdown(editor.as_written(now.text))
    elif now.state is State.ASKED:
        st.caption(f":material/hourglass_empty: {_('Waiting for the first word.')}")
    elif now.state is State.DONE:
        st.caption(_("The answer is empty."))


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
    return _("cost –") if now.cost is None else money(now.cost)


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


def _keep(workspace: Workspace, question: Question, key: str, names: dict[str, str]) -> None:
    dataset = st.session_state[key]
    with feedback.action(Message("Added to {name}.", name=names[dataset])):
        playground.add_to_dataset(workspace, dataset, question.text)


def _take_out(workspace: Workspace, prompt: str, id: str, changed: str) -> None:
    questions.take_out(workspace, prompt, id)
    st.session_state[changed] = True
