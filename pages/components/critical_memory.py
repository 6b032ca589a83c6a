"""What critical questions have caught: each release that the gate held because one of them failed."""

import streamlit as st

from pages.components import session
from services import releases
from services.workspace import Workspace

_ = session.text
SHOWN = 50


def show(workspace: Workspace, critical: int | None = None) -> None:
    """The count and each catch, newest first; `critical`: how many questions of the dataset are critical."""
    found = releases.catches.all(workspace)
    held = len({one.release for one in found})
    told = [] if critical is None else [_("Critical questions: {n}.", n=critical)]
    if not found:
        told.append(_("No release was held by one of them yet."))
        st.caption(session.joined(*told))
        return
    told.append(
        _(
            "They held {n} {n:release|releases}, the last one on {time}.",
            n=held,
            time=session.moment(found[0].at),
        )
    )
    st.markdown(":material/shield: " + session.joined(*told))
    with st.expander(_("What they caught: {n}", n=len(found)), icon=":material/history:"):
        for one in found[:SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(session.moment(one.at), width="content")
                st.page_link(
                    session.page("releases"),
                    label=_("Release {id}", id=one.release),
                    icon=":material/train:",
                    query_params={"release": str(one.release)},
                )
                st.page_link(
                    session.page("evaluations"),
                    label=_("Open the evaluation"),
                    icon=":material/fact_check:",
                    query_params={"run": one.evaluation, "critical": "yes"},
                )
            st.markdown("\n".join(f"- {session.escape(question)}" for question in one.questions.values()))
