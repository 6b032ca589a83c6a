"""Try what stands in a form on five stored answers, before it is saved."""

import streamlit as st

from pages.components import choices, feedback, scorer_failure, session
from pages.components.scorers import form
from services import audit, evaluations
from services.errors import ConsoleError
from services.evaluations import Evaluation
from services.jobs import State
from services.scorers import forms, samples
from services.scorers import trying as service
from services.scorers.entries import Entry
from services.scorers.records import ScorerSpec
from services.scorers.trying import Tried
from services.workspace import Workspace

_, say = session.text, session.say
MOST = 20
LONGEST = 400


def show(workspace: Workspace, entry: Entry, spec: ScorerSpec | None) -> None:
    """Where the answers come from, the button, and what came of the last try."""
    name = spec.name if spec else None
    key = form.key_of(workspace, name, entry)
    st.markdown(f"### {_('Try it on five answers')}")
    st.caption(_("Nothing is kept by it. What stands in the form is tried, also before it is saved."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choose_answers(workspace, f"try-from-{key}")
        st.button(
            _("Try it"),
            key=f"try-{key}",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(workspace, entry, name),
            disabled=not audit.allowed(workspace, forms.verb_of(form.typed_spec(workspace, entry, name))),
        )
    job_id = st.session_state.get(f"tried-{key}")
    if job_id is None:
        return
    job = feedback.job(job_id)
    if job.state is State.DONE:
        show_tried([Tried.from_json(one) for one in job.result["tried"]])


def choose_answers(workspace: Workspace, key: str) -> str:
    """Which answers: of a finished evaluation, or the newest ones."""
    made = choices.apart({one.run_id: _title(one) for one in evaluations.all(workspace, MOST) if one.finished})
    options = made | {samples.RECENT: _("The newest answers of the agent")}
    return str(
        st.selectbox(
            _("Answers"),
            list(options),
            format_func=options.__getitem__,
            key=key,
            width=420,
        )
    )


def show_tried(found: list[Tried]) -> None:
    """One line per answer: the verdict and why beside what was asked and answered."""
    for one in found:
        with st.container(border=True):
            said, verdict = st.columns([3, 2])
            said.markdown(f"**{session.escape(_short(one.question))}**")
            said.caption(session.escape(_short(one.answer)))
            verdict.markdown(_verdict(one))
            with verdict:
                if one.error:
                    st.caption(_("Check the model and what the scorer is told to do, then try it again."))
                    scorer_failure.folded(one.error)
                else:
                    st.caption(session.escape(say(one.reason)) or _("It gave no reason."))


def _verdict(one: Tried) -> str:
    if one.error:
        return f":orange[:material/error:] **{_('It failed')}**"
    if one.value is None:
        return f":gray[:material/remove_circle:] **{_('No verdict')}**"
    if isinstance(one.value, bool):
        light = ":green[:material/check_circle:]" if one.value else ":red[:material/cancel:]"
        return f"{light} **{_('passed') if one.value else _('failed')}**"
    return f":blue[:material/speed:] **{one.value:g}**"


def _start(workspace: Workspace, entry: Entry, name: str | None) -> None:
    key = form.key_of(workspace, name, entry)
    try:
        job = service.start(workspace, form.typed_spec(workspace, entry, name), st.session_state[f"try-from-{key}"])
    except ConsoleError as error:
        st.session_state["_outcome"] = error
        return
    st.session_state[f"tried-{key}"] = job.id


def _title(made: Evaluation) -> str:
    return f"{made.dataset_name or made.name} · {session.moment(made.created_at)}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else f"{flat[:LONGEST]}…"
