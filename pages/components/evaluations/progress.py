"""Evaluations on their way, and those that ended early and can go on."""

import streamlit as st

from pages.components import feedback, session
from pages.components.evaluations import form, listing, place
from services import audit, evaluations, jobs
from services.audit import Verb
from services.evaluations import Evaluation
from services.evaluations.sources import ENDPOINT, TRACES
from services.jobs import Job, State
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """Whatever runs now, for everyone, and how the one started here ended."""
    own = st.session_state.get(form.job_key(workspace))
    live = [one.id for one in jobs.recent(workspace, "evaluate") if one.live]
    for id in dict.fromkeys([*live, *([own] if own else [])]):
        st.markdown(_title(jobs.get(workspace, id)))
        now = feedback.job(id, Message("The evaluation is finished."), kept=True)
        if now.elsewhere:
            _run_page(now)
        if now.state is State.DONE:
            st.button(_("Open the evaluation"), key=f"open-{id}", on_click=_open, args=(str(now.result["run_id"]),))


def _open(run_id: str) -> None:
    workspace = session.workspace()
    listing.open_one(workspace, evaluations.get(workspace, run_id))


def _run_page(job: Job) -> None:
    """The way to the run on the workspace as soon as there is one, which is after the first look at its progress."""

    @st.fragment(run_every=2.0 if job.live and "page" not in job.checkpoint else None)
    def follow() -> None:
        now = jobs.get(session.workspace(), job.id)
        place.run_page(str(now.checkpoint.get("page", "")), f"run-page-{job.id}")

    follow()


def ended_early(workspace: Workspace, made: Evaluation) -> None:
    """How far an evaluation without a table came, and a way to let it go on."""
    if _is_live(workspace, made):
        st.info(_("This evaluation is still running."))
        return
    if made.unreadable:
        st.warning(_("What this evaluation asked, or its numbers, cannot be read any more. Start a new one instead."))
        return
    came = evaluations.stopped_at(workspace, made.run_id)
    if came:
        st.info(
            _(
                "Cancelled after {done} of {rows}. What was done is kept, and it can go on from there.",
                done=came.done,
                rows=came.rows,
            )
        )
    else:
        st.info(_("This evaluation ended early. What was done is kept, and it can go on from there."))
    st.button(
        _("Continue"),
        icon=":material/play_arrow:",
        key="go-on",
        on_click=_go_on,
        args=(made.run_id,),
        disabled=not audit.allowed(workspace, Verb.EVALUATE),
    )


def _is_live(workspace: Workspace, made: Evaluation) -> bool:
    """Whether a job is at it: the one that began it, or one that goes on with it."""
    at_it = [one for one in jobs.recent(workspace, "evaluate") if one.live]
    return any(one.id == made.job_id or one.args.get("run_id") == made.run_id for one in at_it)


def _go_on(run_id: str) -> None:
    workspace = session.workspace()
    with feedback.action(Message("The evaluation goes on.")):
        st.session_state[form.job_key(workspace)] = evaluations.go_on(workspace, run_id).id
        st.query_params.clear()


def _title(job: Job) -> str:
    kind = (job.args.get("source") or {}).get("kind")
    if kind == TRACES:
        return _("**Evaluation of answers that exist**")
    if kind == ENDPOINT:
        return _("**Evaluation of what answers at the endpoint**")
    if job.args["prompt_version"] is None:
        return _("**Evaluation of an agent without a prompt of the app**")
    return _("**Evaluation with prompt version {n}**", n=job.args["prompt_version"])
