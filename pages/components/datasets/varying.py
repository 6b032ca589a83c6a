"""Variations of chosen questions, written by the app's model: proposals that a person takes one by one."""

import streamlit as st

from pages.components import choices, feedback, session
from pages.components.datasets import offered
from services import audit
from services.audit import Verb
from services.datasets import Dataset, Row, proposing
from services.datasets.proposing import MOST_CHOSEN, MOST_EACH, Manner
from services.errors import NotReadyError
from services.messages import Message, mark
from services.workspace import Workspace

MANNERS = {
    Manner.REWORD: mark("The same question in other words"),
    Manner.RELATED: mark("Other questions on the same topic"),
}
_ = session.text


def show(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> list[Row] | None:
    """The proposals that are taken; None when there are none."""
    blocked = proposing.blockers(workspace)
    for message, remedy in blocked:
        feedback.show_error(NotReadyError(message, remedy))
    if not rows or blocked:
        return None
    _ask(workspace, dataset, rows)
    job = proposing.latest(workspace, dataset.id)
    if job is None:
        return None
    found = proposing.proposals(feedback.job(job.id), rows)
    if not found:
        return None
    st.caption(_("Written by a model and not checked by anybody. Tick what is good, and mend it here."))
    notes = [one.made_from for one in found]
    return offered.show(
        f"proposed-{job.id}-{len(found)}", [one.row for one in found], notes, _("Made from"), taken=False
    )


def _ask(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    key = f"vary-{dataset.id}"
    texts = choices.apart({row.id: row.question[:100] for row in rows if row.question.strip()})
    st.multiselect(
        _("Questions to vary"),
        list(texts),
        format_func=texts.__getitem__,
        key=f"{key}-rows",
        max_selections=MOST_CHOSEN,
        placeholder=_("Choose up to {n}", n=MOST_CHOSEN),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(_("What is written"), list(MANNERS), format_func=lambda one: _(MANNERS[one]), key=f"{key}-manner")
        st.number_input(_("For each question"), 1, MOST_EACH, 3, key=f"{key}-each", width=170)
        st.button(
            _("Propose"),
            key="propose",
            icon=":material/auto_awesome:",
            on_click=_propose,
            args=(workspace, dataset),
            disabled=not audit.allowed(workspace, Verb.SAVE_DATASET),
        )


def _propose(workspace: Workspace, dataset: Dataset) -> None:
    state, key = st.session_state, f"vary-{dataset.id}"
    with feedback.action(Message("The model writes proposals; nothing is added before you take it.")):
        proposing.start(
            workspace, dataset.id, state[f"{key}-rows"], state[f"{key}-each"], Manner(state[f"{key}-manner"])
        )
