"""What an operator does with the archive at once: compare it, tidy it, stop it; and how the last of that went."""

import streamlit as st

from pages.components import feedback, session
from pages.components.archive import controls
from services import archive, audit, jobs
from services.archive import Comparison, State
from services.audit import Verb
from services.jobs import Job
from services.jobs import State as JobState
from services.messages import Message
from services.workspace import Workspace

_, say = session.text, session.say

SHOWN = 10


def show(workspace: Workspace, now: State) -> None:
    may = audit.allowed(workspace, Verb.CHECK_ARCHIVE)
    last = next(iter(jobs.recent(workspace, archive.ACT, limit=1)), None)
    busy = last is not None and last.live
    with st.container(horizontal=True):
        st.button(
            _("Compare with MLflow"),
            key="check-archive",
            on_click=_check,
            args=(workspace,),
            disabled=busy or not may,
            help=_("Every trace, by a hash of its whole content. What differs is copied anew."),
        )
        st.button(
            _("Put small files together"),
            key="compact-archive",
            on_click=_compact,
            args=(workspace,),
            disabled=busy or not may,
            help=_("It happens by itself, too. Now there are {n} files.", n=now.files),
        )
        if now.plan.on:
            controls.stop(workspace, _stop, kept=_("What was copied stays."))
    if last is not None:
        _outcome(last)


def _outcome(last: Job) -> None:
    """How far the newest one is, or what it found."""
    ended = feedback.job(last.id, kept=True)
    if ended.state is not JobState.DONE:
        return
    result = dict(ended.result)
    action = result.pop("action")
    if action == archive.CHECK:
        _compared(Comparison.from_json(result), ended)
    elif action == archive.COMPACT:
        st.caption(_("The files of {n} {n:day|days} were put together.", n=result["days"]))
    else:
        st.success(_("{n} {n:trace is|traces are} back in MLflow.", n=result["traces"]))


def _compared(found: Comparison, job: Job) -> None:
    when = session.moment(job.ended_at) if job.ended_at else "–"
    if found.differing == 0:
        st.success(
            _("Compared {time}: {n} {n:trace is|traces are} the same here and in MLflow.", time=when, n=found.compared),
            icon=":material/check_circle:",
        )
    else:
        told = [
            _("Compared {time}: {n} {n:trace|traces} differed.", time=when, n=found.differing),
            _(
                "Only in MLflow: {missing}; of another content: {changed}; only in the archive: {left}.",
                missing=len(found.missing),
                changed=len(found.changed),
                left=len(found.left),
            ),
            _("They were copied anew.") if found.mended else _("Start the archive, and they are copied anew."),
        ]
        st.warning(session.joined(*told), icon=":material/difference:")
        _ids(found)
    if found.kept:
        st.caption(_("{n} more stand in the archive alone, because MLflow lost them by age.", n=f"{found.kept:,}"))


def _ids(found: Comparison) -> None:
    named = [*found.missing, *found.changed, *found.left]
    with st.expander(_("Which ones")):
        st.code("\n".join(named[:SHOWN]), language=None)
        if len(named) > SHOWN:
            st.caption(_("and {n} more", n=len(named) - SHOWN))


def _check(workspace: Workspace) -> None:
    with feedback.action(Message("The archive is compared with MLflow.")):
        archive.check(workspace)


def _compact(workspace: Workspace) -> None:
    with feedback.action(Message("Small files are put together.")):
        archive.compact(workspace)


def _stop(workspace: Workspace) -> None:
    with feedback.action(Message("The archive is stopped. What was copied stays.")):
        archive.stop(workspace)
