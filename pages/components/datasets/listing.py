"""All datasets of the app, and the one that releases are judged on."""

import streamlit as st

from pages.components import session
from pages.components.datasets import opening
from services import audit
from services.audit import Verb
from services.datasets import Dataset
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, found: list[Dataset]) -> None:
    st.button(
        _("New dataset"),
        icon=":material/add:",
        key="new-dataset",
        type="primary",
        on_click=opening.open_new,
        disabled=not audit.allowed(workspace, Verb.SAVE_DATASET),
    )
    for dataset in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                session.escape(dataset.name),
                key=f"open-{dataset.id}",
                type="tertiary",
                icon=":material/dataset:",
                on_click=opening.open_dataset,
                args=(dataset.id,),
            )
            if dataset.id == workspace.app.dataset_id:
                st.badge(_("releases are judged on this"), icon=":material/verified:", color="green")
            facts = [_("Questions: {n}", n=dataset.rows), _("changed {time}", time=session.moment(dataset.updated_at))]
            st.caption(" · ".join(facts), text_alignment="right")
