"""Train on a practice copy with real faults: find them, mend them, and hear how it went."""

import pandas as pd
import streamlit as st

from pages.components import feedback, screens, session
from services import audit, rehearsal
from services.audit import Verb
from services.jobs import Job
from services.messages import Message
from services.rehearsal import FAULTS, Course, Rehearsal

_, say = session.text, session.say
REFRESHED_EVERY = 2.0


def start() -> None:
    with feedback.action(Message("The practice copy is being made. That takes a minute or two.")):
        rehearsal.start(workspace, _("Practice copy of {app}", app=workspace.app.name))


def go_there(id: str) -> None:
    session.choose_app(id)


def tell(number: int) -> None:
    with feedback.action(Message("That is not it. Look again.")) as click:
        if rehearsal.say(workspace, st.session_state[f"rehearsal-said-{number}"]):
            click.done = Message("That is it. Now mend it.")


def ask_for_help() -> None:
    with feedback.action(Message("What to look for, and what to do, stands below.")):
        rehearsal.help_asked(workspace)


def end() -> None:
    with feedback.action(Message("The practice copy is cleared away. How it went stays here.")):
        rehearsal.end(workspace)


def show_offer() -> None:
    st.markdown(
        _(
            "The console makes a practice copy: the sample app once more, with an endpoint, prompts and releases of its own. Then it brings "
            "{n} faults into it, one after the other and in any order. Find each, mend it, and hear how long it took. Your real app is not touched, and no number of production counts what is asked for practice.",
            n=len(FAULTS),
        )
    )
    st.button(
        _("Start a rehearsal"),
        type="primary",
        key="start-rehearsal",
        on_click=start,
        disabled=not audit.allowed(workspace, Verb.START_REHEARSAL),
    )


@st.fragment(run_every=REFRESHED_EVERY)
def follow() -> None:
    feedback.show_at_once()
    now = rehearsal.current(workspace)
    if now is None:
        st.rerun()
    elif now.ending:
        show_job(rehearsal.ending(workspace, now))
        return
    elif now.ready_at is None:
        show_job(rehearsal.making_of(workspace, now))
    elif now.over:
        st.success(_("All faults have come and gone. End the rehearsal: the practice copy is cleared away."))
    elif now.open:
        show_fault(len(now.courses), now.open)
    else:
        st.info(
            _(
                "All is well in the practice copy now. A fault comes within a minute: look around there as you would on duty."
            )
        )
    if now.ready_at and not now.over:
        show_error(rehearsal.making_of(workspace, now))
    show_courses(now)


def show_job(job: Job | None) -> None:
    """How far the job is that makes the copy, or clears it away, and what keeps it from going on."""
    note = say(job.note) if job and job.note else _("Waiting for the worker")
    st.progress(job.done / job.total if job and job.total else 0.0, note)
    show_error(job)


def show_error(job: Job | None) -> None:
    if job and job.error:
        st.error(session.escape(session.joined(say(job.error), say(job.remedy) if job.remedy else "")))


def show_fault(number: int, course: Course) -> None:
    """What waits to be found; what it is stands here only for those who ask."""
    fault = FAULTS[course.fault]
    if course.noticed_at is None:
        st.warning(_("Something is wrong in the practice copy. What is it?"), icon=":material/troubleshoot:")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox(
                _("What is wrong"),
                list(FAULTS),
                index=None,
                format_func=lambda name: say(FAULTS[name].title),
                key=f"rehearsal-said-{number}",
                placeholder=_("Choose what you found"),
            )
            st.button(
                _("Say it"), key=f"rehearsal-say-{number}", on_click=tell, args=(number,), disabled=chosen is None
            )
            st.button(_("I need help"), key=f"rehearsal-help-{number}", on_click=ask_for_help, type="tertiary")
    else:
        st.info(_("Found: {fault}. Now mend it in the practice copy.", fault=say(fault.title)), icon=":material/build:")
    if course.helped:
        st.markdown(
            f"**{_('What it is')}:** {say(fault.title)}  \n**{_('What to notice')}:** {say(fault.notice)}  \n**{_('What to do')}:** {say(fault.mend)}"
        )


def show_courses(found: Rehearsal, ended: bool = False) -> None:
    """How it went with each fault; one that still waits is named only once the rehearsal has `ended`."""
    if found.come:
        st.table(pd.DataFrame([_line(one, ended) for one in found.come]).set_index(_("Fault")))
    for one in found.come:
        if one.gone:
            st.caption(
                _(
                    "{fault}: the scorers that it is about were removed, so there was nothing left to mend. That counts as not mended.",
                    fault=say(FAULTS[one.fault].title),
                )
            )


def _line(one: Course, ended: bool) -> dict[str, str]:
    waits = not ended and one.ended_at is None and one.noticed_at is None
    return {
        _("Fault"): _("not found yet") if waits else say(FAULTS[one.fault].title),
        _("Noticed after"): _took(one.seconds_to_notice),
        _("Mended after"): _mended(one),
        _("Wrong guesses"): str(one.misses),
        _("With help"): _("yes") if one.helped else _("no"),
    }


def _mended(one: Course) -> str:
    if one.gone:
        return _("removed, not mended")
    return _("taken over, not mended") if one.kept else _took(one.seconds_to_mend)


def _took(seconds: float | None) -> str:
    """In seconds, from two minutes on in minutes."""
    if seconds is None or seconds < 120:
        return session.seconds(seconds, 0)
    return _("{n} min", n=round(seconds / 60))


def show_outcomes() -> None:
    """The rehearsals of this app that are over."""
    found = rehearsal.outcomes(workspace)
    if found:
        st.header(_("How earlier ones went"), anchor=False)
    for one in found:
        mended = sum(course.mended_at is not None for course in one.courses)
        title = _("{n} of {total} faults mended", n=mended, total=len(one.order))
        with st.expander(
            f"{session.moment(one.started_at)} · {session.escape(one.actor)} · {title}", expanded=one is found[0]
        ):
            show_courses(one, ended=True)
            if not one.courses:
                st.caption(_("It was ended before the first fault came."))


workspace = session.workspace()
screens.show_title("rehearsal")
under_way = rehearsal.current(workspace)
if under_way is None:
    show_offer()
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        if workspace.app.id != under_way.app_id:
            st.button(
                _("Work in the practice copy"),
                type="primary",
                key="go-there",
                on_click=go_there,
                args=(under_way.app_id,),
            )
        st.button(
            _("End the rehearsal"),
            key="end-rehearsal",
            on_click=end,
            disabled=not audit.allowed(workspace, Verb.END_REHEARSAL),
        )
    follow()
show_outcomes()
