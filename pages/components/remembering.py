"""Taking the question of a trace into a dataset, as a critical one if it may never be answered wrongly again."""

import streamlit as st

from pages.components import feedback, no_dataset, session
from pages.components.datasets import titles as dataset_titles
from services import apps, audit, datasets
from services.audit import Verb
from services.datasets import remembering
from services.datasets.remembering import Memory
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, trace_id: str) -> None:
    """Folded; only who may change datasets can click."""
    with st.expander(_("Take this question into a dataset"), icon=":material/dataset:"):
        known = dataset_titles.labels(datasets.all(workspace))
        if not known:
            no_dataset.show()
            return
        may = audit.allowed(workspace, Verb.SAVE_DATASET)
        judged = workspace.app.dataset_id
        chosen = st.selectbox(
            _("Dataset"),
            list(known),
            index=list(known).index(judged) if judged in known else 0,
            format_func=known.__getitem__,
            key="remember-dataset",
            disabled=not may,
        )
        st.text_area(
            _("Expected answer"),
            key=f"remember-expected/{trace_id}",
            help=_("What a good answer says. It may stay empty."),
            disabled=not may,
        )
        st.toggle(_("Critical"), key=f"remember-critical/{trace_id}", disabled=not may)
        st.caption(
            _(
                "A critical question is asked by every evaluation from now on, and the gate says: {rule}.",
                rule=_(apps.CRITICAL[workspace.app.gate.critical]),
            )
            if chosen == judged
            else _("Releases are judged on another dataset: the gate does not ask the questions of this one.")
        )
        st.button(
            _("Add to the dataset"),
            key="remember",
            type="primary",
            on_click=_remember,
            args=(workspace, trace_id),
            disabled=not may,
        )


def _remember(workspace: Workspace, trace_id: str) -> None:
    said = st.session_state
    memory = Memory(trace_id, said[f"remember-expected/{trace_id}"], said[f"remember-critical/{trace_id}"])
    with feedback.action(Message("The question stands in the dataset.")):
        remembering.remember(workspace, said["remember-dataset"], memory)
