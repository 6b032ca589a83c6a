"""The answers: a line for each question, a cell for each variant, drawn again and again while they grow."""

import streamlit as st

from pages.components import editor, feedback, session
from pages.components.datasets import titles
from pages.components.playground import cells, questions, running
from pages.components.playground.desk import Place
from pages.components.playground.variants import NARROWEST
from services import audit, datasets, playground
from services.audit import Verb
from services.datasets import Dataset
from services.messages import Message
from services.playground import Question, State
from services.workspace import Workspace

EVERY_SECONDS = 0.5
LONGEST_QUESTION = 400
_ = session.text


def show(place: Place) -> None:
    """The whole grid; a part that refreshes itself while anything is on its way."""
    live = place.run is not None and place.run.live
    found = datasets.all(place.workspace)
    changed = _changed(place.workspace, place.prompt)
    marked = place.run is not None and not live and len(place.variants) > 1 and _choose_marks(place)

    @st.fragment(run_every=EVERY_SECONDS if live else None)
    def follow() -> None:
        feedback.show_at_once()
        now = place.run is not None and place.run.live
        if st.session_state.pop(changed, False) or now != live:
            st.rerun()
        if place.run is not None and now:
            running.show_progress(place.run)
        for number, question in enumerate(place.desk.questions, 1):
            _show_line(place, number, question, found, marked)

    follow()


def _show_line(place: Place, number: int, question: Question, found: list[Dataset], marked: bool) -> None:
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
            args=(place.workspace, place.prompt, question.id),
        )
    with st.grid(max(1, len(place.variants)), min_column_width=NARROWEST, border=True, gap="xsmall") as row:
        for variant in place.variants:
            with row.cell(), st.container(gap="xsmall"):
                against = None if not marked or variant is place.variants[0] else _text(place, question)
                cells.show(place, variant, question, against)


def _choose_marks(place: Place) -> bool:
    key = f"marks-{place.workspace.app.id}"
    return st.toggle(_("Mark what the first answer does not say"), key=key, persist_state="session")


def _text(place: Place, question: Question) -> str | None:
    """The first variant's finished answer, which the others are compared with."""
    cell = place.run.cells.get((place.variants[0].slot.id, question.id)) if place.run else None
    now = cell.answer.now if cell else None
    return now.text if now and now.state is State.DONE else None


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
        names = titles.labels(found)
        st.selectbox(_("Dataset"), list(names), format_func=names.__getitem__, key=key)
        st.button(
            _("Add this question"),
            type="primary",
            key=f"keep-{question.id}",
            on_click=_keep,
            args=(place.workspace, question, key, {one.id: one.name for one in found}),
        )


def _keep(workspace: Workspace, question: Question, key: str, names: dict[str, str]) -> None:
    dataset = st.session_state[key]
    with feedback.action(Message("Added to {name}.", name=names[dataset])):
        playground.add_to_dataset(workspace, dataset, question.text)


def _take_out(workspace: Workspace, prompt: str, id: str) -> None:
    questions.take_out(workspace, prompt, id)
    st.session_state[_changed(workspace, prompt)] = True


def _changed(workspace: Workspace, prompt: str) -> str:
    """A click in the part that refreshes itself changed what stands outside of it."""
    return f"changed-{workspace.app.id}-{prompt}"
