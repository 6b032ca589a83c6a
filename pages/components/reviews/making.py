"""A new queue: which answers wait, what is asked about each, and who judges."""

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import feedback, session
from pages.components.evaluations import titles
from pages.components.reviews import address, asking, labeling_form, words
from services import audit, evaluations, people, reviews, scorers
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message
from services.platforms.databricks.labeling import making as labeling
from services.reviews import Form, Kind, Label, Pick, Rule
from services.reviews.forms import LONGEST_NAME
from services.reviews.picking import MOST
from services.traces.opinions import OPINION
from services.workspace import Workspace

_ = session.text
FILLED = "review-asked/filled"
BY_TIME = (Pick.FAILED, Pick.COMPLAINT, Pick.RANDOM)
WITH_SCORER = (Pick.FAILED, Pick.DISAGREE, Pick.EVALUATION)


def show(workspace: Workspace) -> None:
    st.button(_("All queues"), icon=":material/arrow_back:", key="reviews-back", on_click=address.open_list)
    st.header(_("New queue"), anchor=False)
    if FILLED not in st.session_state:
        _fill(workspace)
    st.text_input(_("Name"), key="queue-name", max_chars=LONGEST_NAME, placeholder=_("Complaints of this week"))
    there = labeling_form.show_where(workspace)
    st.markdown(f"### {_('Which answers')}")
    _show_rule(workspace, there)
    st.markdown(f"### {_('What is asked about each')}")
    asking.show(workspace, musts=not there)
    if there:
        labeling_form.show_known(workspace)
    st.markdown(f"### {_('Who judges')}")
    if there:
        labeling_form.show_people(_known(workspace))
        st.button(
            _("Make the labeling session"),
            key="make-labeling",
            type="primary",
            on_click=_make_there,
            args=(workspace,),
            disabled=not audit.allowed(workspace, Verb.MAKE_SESSION),
        )
        return
    _show_people(workspace)
    st.button(
        _("Make the queue"),
        key="make-queue",
        type="primary",
        on_click=_make,
        args=(workspace,),
        disabled=not audit.allowed(workspace, Verb.SAVE_QUEUE),
    )


def _show_rule(workspace: Workspace, there: bool) -> None:
    st.selectbox(
        _("They wait because"),
        list(Pick),
        format_func=lambda one: _(words.PICK[one]),
        key="queue-pick",
        on_change=_fill,
        args=(workspace,),
    )
    pick = st.session_state["queue-pick"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if pick is Pick.EVALUATION:
            _show_evaluations(workspace)
        if pick in WITH_SCORER:
            st.selectbox(
                _("Scorer"),
                ["", *(spec.name for spec in scorers.all(workspace))],
                format_func=lambda name: name or _("Any scorer"),
                key="queue-scorer",
                help=_("Of an evaluation, only the answers that this scorer did not pass.")
                if pick is Pick.EVALUATION
                else None,
                on_change=_fill,
                args=(workspace,),
                width=230,
            )
        if pick is Pick.RANDOM:
            st.number_input(_("Share in %"), 0.1, 100.0, 10.0, key="queue-share", width=140)
        if pick in BY_TIME:
            st.selectbox(
                _("Period"), list(words.HOURS), index=1, format_func=lambda one: _(words.HOURS[one]), key="queue-hours", width=170
            )  # fmt: skip
        st.number_input(_("Answers at most"), 1, MOST, 50, key="queue-most", width=150)
    with st.container(horizontal=True):
        if pick in BY_TIME:
            st.toggle(_("Live traffic only"), value=True, key="queue-live")
        if pick is Pick.EVALUATION:
            st.toggle(_("Critical only"), key="queue-critical")
        elif not there:
            st.toggle(
                _("Take new answers too, as they come"),
                key="queue-grows",
                help=_("Whenever somebody opens the queue, up to the number above."),
            )


def _show_evaluations(workspace: Workspace) -> None:
    found = titles.labels(one for one in evaluations.listed(workspace, 50) if one.finished)
    st.selectbox(
        _("Evaluation"),
        list(found),
        format_func=found.__getitem__,
        key="queue-run",
        placeholder=_("No finished evaluation"),
        width=420,
    )


def _show_people(workspace: Workspace) -> None:
    known = _known(workspace)
    st.multiselect(
        _("Reviewers"),
        known,
        key="queue-reviewers",
        accept_new_options=True,
        placeholder=_("Everyone who may review"),
        help=_("Choose people, or type their e-mail as they sign in."),
    )
    with st.container(horizontal=True):
        st.toggle(_("Two people judge each answer"), key="queue-double")
        st.toggle(
            _("Hide the scorers' verdicts until one has judged"),
            key="queue-blind",
            help=_("People follow what they read. Without it they judge for themselves."),
        )
    if st.session_state.get("queue-double"):
        st.selectbox(
            _("Referee where the two differ"),
            known,
            index=None,
            key="queue-referee",
            accept_new_options=True,
            placeholder=_("Anyone else who may review"),
        )


def _known(workspace: Workspace) -> list[str]:
    """Who may review by the roles file, and who did something lately."""
    lately = {one.actor for one in audit.events(workspace)} - {people.CONSOLE.id}
    return sorted({*people.reviewers(workspace.settings), *lately, workspace.actor.id})


def _fill(workspace: Workspace) -> None:
    """What is usually asked about such answers; what somebody changed stays."""
    state = st.session_state
    if state.get(FILLED) not in (None, asking.read()):
        return
    first = _usual(workspace, state.get("queue-pick", Pick.FAILED), state.get("queue-scorer") or "")
    asking.fill((first, asking.usual_answer()))
    state[FILLED] = asking.read()


def _usual(workspace: Workspace, pick: Pick, name: str) -> Label:
    spec = next((one for one in scorers.all(workspace) if one.name == name and pick in WITH_SCORER), None)
    if spec is None and pick in (Pick.CRITICAL, Pick.EVALUATION):
        return Label("", Kind.PASS, _("It is right"))
    if spec is None:
        return Label(OPINION, Kind.PASS, _("It helps the person who asked"))
    scale = scorers.scale(spec)
    if scale is None:
        return Label(name, Kind.PASS, _("“{name}” holds", name=name))
    return Label(name, Kind.NUMBER, _("Your number for “{name}”", name=name), low=scale[0], high=scale[1])


def _make(workspace: Workspace) -> None:
    try:
        queue = reviews.make(workspace, _form(st.session_state))
    except ConsoleError as error:
        st.session_state["_outcome"] = error
        return
    st.session_state.pop(FILLED, None)
    with feedback.action(Message("Made the queue {name}.", name=queue.name)):
        address.open_queue(queue.id)


def _make_there(workspace: Workspace) -> None:
    said = st.session_state
    form = _form(said)
    form = replace(
        form,
        labels=tuple(replace(label, needed=True) for label in form.labels),
        reviewers=tuple(_person(one) for one in said.get(labeling_form.PEOPLE) or ()),
        referee="",
        double=False,
        blind=False,
    )
    with feedback.action(Message("The labeling session {name} is being made.", name=form.name)):
        labeling.start(workspace, form, said.get(labeling_form.KNOWN) or ())
        said.pop(FILLED, None)
        address.open_list()


def _form(said: Any) -> Form:
    pick = said["queue-pick"]
    rule = Rule(
        pick,
        scorer=(said.get("queue-scorer") or "") if pick in WITH_SCORER else "",
        hours=float(said.get("queue-hours") or 24.0 * 7),
        share=float(said.get("queue-share") or 10.0) / 100,
        run_id=(said.get("queue-run") or "") if pick is Pick.EVALUATION else "",
        critical=bool(said.get("queue-critical")) and pick is Pick.EVALUATION,
        live_only=bool(said.get("queue-live", True)),
        most=int(said["queue-most"]),
        grows=bool(said.get("queue-grows")) and pick is not Pick.EVALUATION,
    )
    return Form(
        name=said["queue-name"],
        rule=rule,
        labels=asking.read(),
        reviewers=tuple(_person(one) for one in said.get("queue-reviewers") or ()),
        referee=_person(said.get("queue-referee") or ""),
        double=bool(said.get("queue-double")),
        blind=bool(said.get("queue-blind")),
    )


def _person(typed: str) -> str:
    """E-mails are known in small letters."""
    return typed.strip().lower() if "@" in typed else typed.strip()
