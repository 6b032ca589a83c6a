"""Long work: what runs, what ended how, and why."""

import streamlit as st

from pages.components import feedback, screens, session
from services import jobs, releases
from services.jobs import Job, State
from services.messages import Message, mark
from services.people import CONSOLE

_, say = session.text, session.say

STATE = {
    State.QUEUED: mark("waiting"),
    State.RUNNING: mark("running"),
    State.DONE: mark("done"),
    State.FAILED: mark("failed"),
    State.CANCELLED: mark("cancelled"),
}
LONGEST = 60
COLOUR = {State.DONE: "green", State.FAILED: "red", State.RUNNING: "blue"}


def cancel(id: int) -> None:
    with feedback.action(Message("Job {id} stops.", id=id)):
        releases.cancel(workspace, jobs.get(workspace, id))


def facts(job: Job) -> list[str]:
    """Who asked for it, when, and how it went; a job that repeats counts no attempts."""
    who = _("the console itself") if job.actor == CONSOLE.id else session.escape(job.actor)
    if job.recurring:
        return [who, session.moment(job.created_at), _("repeats by itself")]
    took = (job.ended_at - job.started_at).total_seconds() if job.started_at and job.ended_at else None
    return [
        who,
        session.moment(job.created_at),
        *([_("took {n} s", n=f"{took:.1f}")] if took is not None else []),
        *([_("attempt {n}", n=job.attempt)] if job.attempt > 1 else []),
    ]


def show_subject(job: Job) -> None:
    """What it is about, with a way there."""
    args = job.args
    match job.kind:
        case "release":
            link("releases", _("Release {id}", id=args["release"]), release=str(args["release"]))
        case "log_agent":
            link("agents", args["form"]["name"], job=str(job.id))
        case "try_agent":
            link("agents", shortened(args["question"]), agent=args["model_id"], tried=str(job.id))
        case "install_agent":
            link("agents", _("Open the agent"), agent=args["model_id"])
        case "ask_servers":
            link("agents", ", ".join(one["name"] for one in args["servers"]), new="1")
        case "check_agent":
            link("agents", _("Agent file"), new="1")
        case "evaluate":
            version = args["prompt_version"]
            run = {"run": job.result["run_id"]} if "run_id" in job.result else {}
            link("evaluations", _("Prompt version {n}", n=version) if version else _("No prompt version"), **run)
        case "improve_prompt":
            link("prompts", args["request"]["name"], prompt=args["request"]["name"], view="improve")
        case "score_live" | "backfill_scorers":
            link("monitoring", _("Monitoring"))


def link(name: str, about: str, **query: str) -> None:
    st.page_link(session.page(name), label=session.escape(about), icon=screens.named(name).icon, query_params=query)


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def show(job: Job) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{session.job_kind(job.kind)}** :{COLOUR.get(job.state, 'gray')}-badge[{_(STATE[job.state])}]"
            )
            st.caption(" · ".join(facts(job)))
            if job.live and not job.recurring:
                st.button(_("Cancel"), key=f"cancel-{job.id}", on_click=cancel, args=(job.id,))
        show_subject(job)
        if job.state is State.RUNNING and job.total:
            st.progress(min(job.done / job.total, 1.0), say(job.note) if job.note else None)
        if job.error:
            st.error(session.escape(say(job.error) + (" " + say(job.remedy) if job.remedy else "")))


workspace = session.workspace()
screens.show_title("jobs")
found = jobs.recent(workspace, limit=50)
if not found:
    st.info(_("Nothing has run yet. Evaluations, releases and other long work show here."))


@st.fragment(run_every=2.0 if any(job.live for job in found) else None)
def follow() -> None:
    feedback.show_at_once()
    for job in jobs.recent(workspace, limit=50):
        show(job)


follow()
