"""What a logging printed, and what failed ones left behind."""

import streamlit as st

from pages.components import feedback, session
from services import agents, audit, jobs
from services.agents import AgentVersion
from services.audit import Verb
from services.jobs import Job
from services.messages import Message
from services.workspace import Workspace

_ = session.text
LIVE_LINES = 12


def show_live(job: Job) -> None:
    """The last lines so far of a job under way, refreshed each second; nothing once it has ended."""
    if not job.live:
        return

    @st.fragment(run_every=1.0)
    def follow() -> None:
        told = agents.said(jobs.get(session.workspace(), job.id))
        if told:
            st.code("\n".join(told.splitlines()[-LIVE_LINES:]), language=None, wrap_lines=True)

    follow()


def show_printed(job: Job) -> None:
    """The last lines that MLflow and the agent printed in the job, once it has ended."""
    told = agents.said(job)
    if job.live or not told:
        return
    with st.expander(_("What was printed while it was logged"), icon=":material/terminal:"):
        st.caption(_("The last lines of MLflow and of the agent's own code. Access keys are taken out."))
        st.code(told, language=None, wrap_lines=True, height=320)


def show_leftovers(workspace: Workspace, found: list[AgentVersion]) -> None:
    """What failed loggings left in MLflow, with a way to remove it; nothing when all of them worked."""
    failed = agents.failed(workspace) if any(one.status != "READY" for one in found) else []
    if not failed:
        return
    with st.container(border=True):
        st.markdown(_("Agent versions that failed to log: {n}", n=len(failed)))
        st.caption(
            _(
                "A logging that fails leaves an agent version in MLflow that can never be used; its reason stands on it. "
                "Removing them changes nothing that answers."
            )
        )
        st.button(
            _("Remove what failed"),
            key="remove-failed-agents",
            icon=":material/delete:",
            on_click=_remove,
            args=(workspace,),
            disabled=not audit.allowed(workspace, Verb.REMOVE_FAILED_AGENTS),
        )


def _remove(workspace: Workspace) -> None:
    with feedback.action(Message("Removed what failed.")):
        agents.remove_failed(workspace)
