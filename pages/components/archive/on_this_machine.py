"""The archive on this machine: how far it is, and what can be done with it."""

import streamlit as st

from pages.components import feedback, session
from pages.components.archive import acting, controls, keeping, queries
from services import archive, audit, jobs
from services.archive import State
from services.audit import Verb
from services.errors import ConsoleError
from services.jobs import Job
from services.messages import Message
from services.workspace import Workspace

_, say = session.text, session.say

MEGA, GIGA = 1e6, 1e9


def show(workspace: Workspace) -> None:
    st.header(_("Archive of the traces"), anchor=False)
    st.caption(
        _(
            "A copy of every trace in a Delta table on this machine: for the long term, and for tools such as DuckDB, "
            "Polars and Spark."
        )
    )
    now = archive.state(workspace)
    if not now.plan.on:
        _offer(workspace, now)
    else:
        _follow(workspace)
    if now.exists:
        acting.show(workspace, now)
        keeping.show(workspace, now)
        queries.show(workspace)


def _offer(workspace: Workspace, now: State) -> None:
    may = audit.allowed(workspace, Verb.START_ARCHIVE)
    if now.exists:
        st.info(_("It is stopped. What was copied stays; new traces are not copied."))
        _numbers(now)
    everything = st.radio(
        _("What is copied"),
        [True, False],
        format_func=lambda one: _("Everything MLflow has, and what comes") if one else _("From today on"),
        key=controls.key(workspace, "everything"),
        horizontal=True,
        disabled=not may,
    )
    controls.start(workspace, _start, bool(everything), refused=_("Only an admin may do this."))


def _follow(workspace: Workspace) -> None:
    """Drawn again by itself while much is still to be copied."""
    copying = not archive.state(workspace).complete

    @st.fragment(run_every=2.0 if copying else None)
    def draw() -> None:
        now = archive.state(workspace)
        if copying and now.complete:
            st.rerun()
        _numbers(now)
        _job(workspace, now, next(iter(jobs.recent(workspace, archive.FOLLOW, limit=1)), None))

    draw()


def _numbers(now: State) -> None:
    """Side by side where there is room: times are long words."""
    until = session.moment(now.looked_at) if now.looked_at and now.complete else _("not yet")
    with st.container(horizontal=True, gap="large"):
        st.metric(_("Archived traces"), f"{now.rows:,}", width="content")
        st.metric(_("Size"), _size(now.size), width="content")
        st.metric(_("Newest trace"), session.moment(now.newest) if now.newest else "–", width="content")
        st.metric(
            _("Up to date until"),
            until,
            width="content",
            help=_("Everything that MLflow had at that time is in the archive. It looks again every minute."),
        )


def _job(workspace: Workspace, now: State, job: Job | None) -> None:
    if job is None or not job.live:
        st.warning(_("The copying was cancelled on the Jobs screen."))
        st.button(_("Go on copying"), key="resume-archive", on_click=_resume, args=(workspace,))
        return
    if job.error is not None:
        feedback.show_error(ConsoleError(job.error, job.remedy))
    if not now.complete:
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        if jobs.worker_away(workspace):
            note = _("The worker is starting again; this goes on by itself.")
        else:
            note = say(job.note) if job.note else _("Waiting for the worker")
        st.progress(share, f"{note} · {session.percent(share)}")
    elif now.plan.since:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_("Copied from {day} on.", day=session.moment(now.plan.begins)), width="content")
            st.button(
                _("Copy what is older, too"),
                key="backfill-archive",
                on_click=_backfill,
                args=(workspace,),
                disabled=not audit.allowed(workspace, Verb.START_ARCHIVE),
            )


def _start(workspace: Workspace, everything: bool) -> None:
    with feedback.action(Message("The archive is started. It copies the newest traces first.")):
        archive.start(workspace, everything)


def _resume(workspace: Workspace) -> None:
    with feedback.action(Message("The copying goes on.")):
        archive.resume(workspace)


def _backfill(workspace: Workspace) -> None:
    with feedback.action(Message("What is older is copied now, the newest first.")):
        archive.backfill(workspace)


def _size(size: int) -> str:
    return f"{size / GIGA:.1f} GB" if size >= GIGA else f"{size / MEGA:.1f} MB"
