"""What the check of an agent's file found: what must be mended first, then what is good to know."""

import streamlit as st

from pages.components import agent_logging, feedback, session
from services.agents.checking import Finding, Report
from services.jobs import State
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, job_id: int) -> Report | None:
    """Progress of a check, then its findings; the report as soon as there is one."""
    job = feedback.job(job_id)
    agent_logging.show_live(job)
    if job.state is not State.DONE:
        return None
    report = Report.from_json(job.result)
    show_report(report)
    return report


def show_report(report: Report) -> None:
    """What was done with the file, then what was found in it."""
    _show_outcome(report)
    for finding in report.findings:
        show_finding(finding)


def _show_outcome(report: Report) -> None:
    tried = session.escape(session.say(report.tried))
    blocking = sum(one.blocking for one in report.findings)
    if not report.findings:
        st.success(_("Nothing to mend.") + f" {tried}", icon=":material/check_circle:")
    elif blocking:
        st.error(
            _("To be mended before the agent is logged: {n}", n=blocking) + f"  \n{tried}", icon=":material/error:"
        )
    else:
        st.info(
            _("It can be logged. Good to know: {n}", n=len(report.findings)) + f"  \n{tried}", icon=":material/info:"
        )


def show_finding(finding: Finding) -> None:
    """What was found, why it matters, and how to mend it."""
    what, why, mend = (session.escape(session.say(part)) for part in (finding.what, finding.why, finding.mend))
    with st.container(border=True):
        badge = f":red-badge[{_('to be mended')}]" if finding.blocking else f":gray-badge[{_('good to know')}]"
        file = f" :gray-badge[{session.escape(finding.file)}]" if finding.file else ""
        place = file + (f" :gray-badge[{_('line {n}', n=finding.line)}]" if finding.line else "")
        st.markdown(f"**{what}** {badge}{place}")
        st.caption(why)
        st.markdown(mend)
