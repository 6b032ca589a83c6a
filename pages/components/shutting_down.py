"""Shutting a development or staging environment down: the confirmation, how far it is, and what stands there afterwards."""

import streamlit as st

from pages.components import consequences, feedback, session
from services import apps, audit, releases
from services.audit import Verb
from services.jobs import Job
from services.messages import Message
from services.releases import Live, shutdown
from services.workspace import Workspace

_, say = session.text, session.say


def show_button(workspace: Workspace, live: Live) -> None:
    """The button that opens the confirmation; nothing in production, or where nothing stands."""
    if workspace.app.environment.live or live.release is None:
        return
    with st.popover(
        _("Shut down"), icon=":material/power_settings_new:", key="open-shut-down", disabled=not _may(workspace)
    ):
        st.markdown(f"**{_('Shut {stage} down', stage=_title(workspace))}**")
        consequences.show(releases.consequences.of_shut_down(workspace, live))
        _ask(workspace, _("Shut down now"))


def show(workspace: Workspace) -> bool:
    """How far it is while it runs, or why it has not come to its end; whether there was anything to tell."""
    job = shutdown.unfinished(workspace)
    if job is None:
        return False
    with st.container(border=True):
        if job.live:
            _follow(workspace)
        else:
            _show_broken_off(workspace, job)
    return True


def show_ended(workspace: Workspace) -> bool:
    """Who shut it down and why, where nothing was released since; whether there was anything to tell."""
    last = shutdown.last(workspace)
    if last is None or releases.newest_moved(workspace) is not None:
        return False
    st.info(
        _(
            "**{stage} is shut down** since {time}, by {person}: {why}  \nIts releases stay in the list. The next "
            "release to it sets it up again.",
            stage=_title(workspace),
            time=session.moment(last.at),
            person=session.escape(last.actor),
            why=session.escape(last.why),
        ),
        icon=":material/power_settings_new:",
    )
    return True


@st.fragment(run_every=1.0)
def _follow(workspace: Workspace) -> None:
    job = shutdown.unfinished(workspace)
    if job is None or not job.live:
        st.rerun()
    st.markdown(_("{stage} is being shut down. You may close this page.", stage=_title(workspace)))


def _show_broken_off(workspace: Workspace, job: Job) -> None:
    reason = session.escape(say(job.error)) if job.error else _("It was stopped.")
    st.warning(
        _("Shutting {stage} down broke off: {reason}", stage=_title(workspace), reason=reason),
        icon=":material/warning:",
    )
    if job.remedy:
        st.markdown(_("**Next step:** {what}", what=session.escape(say(job.remedy))))
    st.caption(
        _("Some of it may be gone already. Shutting down again goes on from there; a new release sets it up instead.")
    )
    _ask(workspace, _("Shut down again"), job.args["why"])


def _ask(workspace: Workspace, label: str, why: str = "") -> None:
    st.text_input(_("Reason"), why, key=_key(workspace), placeholder=_("Why is it not needed now?"))
    st.button(label, type="primary", key="shut-down", on_click=_begin, args=(workspace,), disabled=not _may(workspace))


def _begin(workspace: Workspace) -> None:
    with feedback.action(Message("It is being shut down.")):
        shutdown.begin(workspace, str(st.session_state.get(_key(workspace), "")))


def _may(workspace: Workspace) -> bool:
    return audit.allowed(workspace, Verb.SHUT_DOWN)


def _title(workspace: Workspace) -> str:
    return _(apps.TITLE[workspace.app.environment.stage])


def _key(workspace: Workspace) -> str:
    return f"shut-down/{workspace.app.endpoint}"
