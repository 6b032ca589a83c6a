"""The evidence of a release that went live: one ZIP, one page to read, and how to check that nothing was changed."""

import streamlit as st

from pages.components import feedback, session
from services.errors import ConsoleError
from services.messages import Message, mark
from services.releases import Release, evidence
from services.releases.evidence import Kept
from services.workspace import Workspace

LABEL = {
    "html": mark("Read it (HTML)"),
    "zip": mark("Everything (ZIP)"),
    "sha256": mark("Hashes"),
}
MIME = {"html": "text/html", "zip": "application/zip", "sha256": "text/plain"}
_ = session.text


def show(workspace: Workspace, release: Release) -> None:
    """Nothing for a release that did not go live."""
    if release.state not in evidence.ENDED or release.working:
        return
    folded = st.expander(
        _("Evidence"), icon=":material/verified_user:", key=f"evidence-{release.id}", on_change="rerun"
    )
    if not folded.open:
        return
    with folded:
        kept = evidence.find(workspace, release.id)
        if kept is None:
            st.write(_("The evidence of this release was not kept yet."))
            st.button(_("Keep the evidence"), key="keep-evidence", on_click=_keep, args=(workspace, release.id))
            return
        try:
            _show_kept(workspace, kept)
        except ConsoleError as error:
            feedback.show_error(error)


def _show_kept(workspace: Workspace, kept: Kept) -> None:
    st.write(
        _(
            "What this release rests on: what changed, every question with its answer, the verdict, the interlocks, who did "
            "what, and the proof. Kept {time}; its hashes stand in the audit log.",
            time=session.moment(kept.at),
        )
    )
    contents = {name: evidence.read(workspace, kept, name) for name in kept.hashes}
    with st.container(horizontal=True):
        for name, content in contents.items():
            ending = name.rpartition(".")[2]
            st.download_button(
                _(LABEL[ending]),
                content,
                file_name=name,
                mime=MIME[ending],
                key=f"evidence-{kept.release}-{ending}",
                icon=":material/download:",
                on_click="ignore",
            )
    st.caption(_("To check that nothing was changed, put the three files in one folder and run there:"))
    st.code(f"sha256sum -c {next(name for name in kept.hashes if name.endswith('sha256'))}", language=None)


def _keep(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("The evidence is kept.")):
        evidence.keep(workspace, id)
