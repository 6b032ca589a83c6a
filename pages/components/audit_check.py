"""Whether the audit log is whole: started by a button, told in a sentence, with what to do when it is not."""

import streamlit as st

from pages.components import audit_filters, feedback, session
from services import audit
from services.audit import Verb, verifying
from services.jobs import State
from services.messages import Message
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace) -> None:
    with st.container(border=True):
        st.header(_("Is the log whole?"), anchor=False)
        st.caption(
            _(
                "Every line carries a hash that follows from the line before it. The check reads all lines of all apps and "
                "holds them against the backups and the evidence packs that know one of them."
            )
        )
        job = verifying.newest(workspace)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.button(
                _("Check the whole log"),
                icon=":material/verified:",
                on_click=_start,
                disabled=not audit.allowed(workspace, Verb.VERIFY_AUDIT) or bool(job and job.live),
            )
            with st.popover(_("I noted a hash")):
                st.number_input(_("Number of the line"), 1, None, None, key="audit-noted-line")
                st.text_input(_("Its hash"), key="audit-noted-hash", max_chars=64)
                st.caption(_("Fill in both, then start the check: the line must still be there, unchanged."))
        if job is not None and feedback.job(job.id).state is State.DONE:
            _show_result(workspace)


def _show_result(workspace: Workspace) -> None:
    job = verifying.newest(workspace)
    if job is None or job.state is not State.DONE:
        return
    found = verifying.verdict(job)
    if found.whole:
        st.success(session.escape(say(verifying.told(found))), icon=":material/verified:")
        st.caption(
            _(
                "Checked {time} against {n} {n:line|lines} known from elsewhere. Whoever notes the number and the hash can prove "
                "later that nothing before it was changed.",
                time=session.moment(job.ended_at or job.created_at),
                n=found.anchors,
            )
        )
    else:
        sentences = [session.escape(say(verifying.told(found)))]
        sentences += [f"- {session.escape(say(verifying.broken(one)))}" for one in found.breaks[1:]]
        st.error("\n\n".join(sentences), icon=":material/gpp_bad:")
        st.caption(
            _(
                "Keep a copy of the data folder as it is now, compare it with the last backup, and ask who had access to "
                "the files. Lines before the break can still be relied on."
            )
        )
    if found.unfinished:
        words = _("Begun, but not ended yet in all apps: {n}", n=found.unfinished)
        st.button(words, icon=":material/pending:", type="tertiary", on_click=audit_filters.choose_unfinished)
    if found.unread:
        st.caption(_("Evidence packs that could not be read: {n}", n=found.unread))
    if found.unnamed:
        st.caption(_("Evidence packs that no line of the log names, and that do not count: {n}", n=found.unnamed))


def _start() -> None:
    state = st.session_state
    with feedback.action(Message("The check has begun.")):
        hash = str(state.get("audit-noted-hash") or "").strip()
        verifying.start(session.workspace(), state.get("audit-noted-line"), hash)
