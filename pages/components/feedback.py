"""What came of a click: a toast, or a sentence and a next step; progress of long work."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from pages.components import session
from services import jobs
from services.errors import ConsoleError
from services.jobs import Job, State
from services.messages import Message

log = logging.getLogger("signalbox.web")
_ = session.text


@dataclass
class Click:
    """What a click says when it went well; change `done` when that is known only at the end."""

    done: Message


@contextmanager
def action(done: Message, beside: str = "") -> Iterator[Click]:
    """One click's write, in a callback: keeps `done`, or the error, for the top of the page.

    With `beside` an error stands where `show_refusal` is called with the same word, until the next write.
    """
    click = Click(done)
    st.session_state.pop("_refused", None)
    try:
        yield click
    except ConsoleError as error:
        st.session_state["_refused" if beside else "_outcome"] = (beside, error) if beside else error
    else:
        st.session_state["_outcome"] = click.done


def show_refusal(beside: str) -> None:
    """Why the last click here was refused, beside what it was about, however long the page is."""
    place, error = st.session_state.get("_refused", ("", None))
    if error is None or place != beside:
        return
    show_error(error)
    st.button(
        _("Dismiss"),
        key=f"dismiss-refusal-{beside}",
        type="tertiary",
        on_click=st.session_state.pop,
        args=("_refused", None),
    )


def show_outcome() -> None:
    """Draw what the last click left, once."""
    outcome = st.session_state.pop("_outcome", None)
    if isinstance(outcome, ConsoleError):
        show_error(outcome)
    elif outcome is not None:
        st.toast(session.escape(session.say(outcome)), icon=":material/check_circle:")


def show_at_once() -> None:
    """First in a fragment: a click in it runs only the fragment, but its outcome stands at the top of the page."""
    if "_outcome" in st.session_state:
        st.rerun()


def show_error(error: ConsoleError) -> None:
    """A sentence and a next step."""
    parts = [session.escape(session.say(part)) for part in (error.message, error.remedy) if part]
    st.error("  \n".join(parts), icon=":material/error:")


def show_defect(error: Exception) -> bool:
    """An error nobody foresaw: the log gets the traceback under a number that the screen names."""
    if isinstance(error, ConsoleError):
        show_error(error)
        return True
    number = secrets.token_hex(3)
    log.error("defect %s", number, exc_info=error)
    st.error(
        _(
            "Something went wrong that the console did not foresee. Reload the page; if it happens again, give an "
            "engineer this number from the log: {number}.",
            number=number,
        ),
        icon=":material/error:",
    )
    return True


def job(id: int, done: Message | None = None, *, kept: bool = False) -> Job:
    """Progress of a job, refreshed while it is live, with a way to cancel; returns it as it is now.

    `kept` says of a cancelled one that its finished part stays.
    """
    current = jobs.get(session.workspace(), id)

    @st.fragment(run_every=1.0 if current.live else None)
    def follow() -> None:
        show_at_once()
        now = jobs.get(session.workspace(), id)
        if current.live and not now.live:
            st.rerun()
        _draw(now, done, kept)

    follow()
    return current


def _draw(job: Job, done: Message | None, kept: bool) -> None:
    if job.live:
        _draw_progress(job)
    elif job.state is State.FAILED and job.error is not None:
        show_error(ConsoleError(job.error, job.remedy))
    elif job.state is State.CANCELLED:
        st.info(_("It was cancelled. What was finished until then is kept.") if kept else _("It was cancelled."))
    elif done is not None:
        st.success(session.escape(session.say(done)), icon=":material/check_circle:")


def _draw_progress(job: Job) -> None:
    note = session.say(job.note) if job.note else session.job_kind(job.kind)
    # A note with numbers of its own needs no second count.
    counts = job.total and not (job.note and job.note.values)
    if jobs.worker_away(session.workspace()):
        note = _("The worker is starting again; this goes on by itself.")
    elif job.state is State.QUEUED:
        note = _("Waiting for the worker")
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, f"{note} · {job.done} / {job.total}" if counts else note)
        st.button(
            _("Cancel"),
            key=f"cancel-job-{job.id}",
            on_click=_cancel,
            args=(job.id,),
            disabled=job.cancelling,
        )


def _cancel(id: int) -> None:
    with action(Message("Job {id} stops.", id=id)):
        jobs.cancel(session.workspace(), id)
