"""Let an optimiser write a better text: the result is shown with its scores and taken as a draft, or left."""

import pandas as pd
import streamlit as st

from pages.components import diff, feedback, session
from pages.components.datasets import titles as dataset_titles
from pages.components.prompts import compare, opening, titles
from services import audit, datasets, prompts, scorers, verdicts
from services.audit import Verb
from services.datasets import Dataset
from services.errors import ConsoleError
from services.messages import Message
from services.prompts import PromptVersion, improve
from services.prompts.improve import Outcome, Request
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    """The form that starts an optimiser, and what the newest run wrote."""
    st.caption(
        _(
            "A language model rewrites the prompt from the questions it failed. Half of the questions teach it, the "
            "other half measure the result. It becomes a draft of yours if you want it; no version is made."
        )
    )
    request = _ask(workspace, name, found)
    if request is not None:
        _offer(workspace, request)
    job = improve.latest(workspace, name)
    if job is None:
        return
    feedback.job(job.id)
    outcome = improve.latest_outcome(workspace, name)
    if outcome is not None:
        _show_outcome(workspace, name, outcome)


def _ask(workspace: Workspace, name: str, found: list[PromptVersion]) -> Request | None:
    """What the form says; None while there is nothing to measure with."""
    listed = {one.id: one for one in datasets.all(workspace)}
    names = [spec.name for spec in scorers.all(workspace)]
    if not listed or not names:
        st.info(_("An optimiser needs questions and scorers. Make a dataset and a scorer first."))
        return None
    labels, key = titles.labels(found), f"{workspace.app.id}-{name}"
    left, right = st.columns(2)
    version = left.selectbox(
        _("Prompt version"), list(labels), format_func=labels.__getitem__, key=f"improve-version-{key}"
    )
    dataset = right.selectbox(
        _("Dataset"),
        list(listed),
        index=list(listed).index(workspace.app.dataset_id) if workspace.app.dataset_id in listed else 0,
        format_func=dataset_titles.labels(listed.values()).__getitem__,
        key=f"improve-dataset-{key}",
    )
    rows = _ask_rows(left, listed[dataset], key)
    chosen = st.multiselect(
        _("Scorers"), names, default=names, key=f"improve-scorers-{key}", placeholder=_("Choose scorers")
    )
    optimizers = improve.optimizers()
    optimizer = optimizers[0]
    if len(optimizers) > 1:
        optimizer = st.radio(
            _("How"),
            optimizers,
            format_func=lambda one: _(improve.OPTIMIZERS[one]),
            key=f"improve-optimizer-{key}",
        )
    return Request(name, int(version), dataset, tuple(chosen), rows, optimizer)


def _ask_rows(place: st.delta_generator.DeltaGenerator, dataset: Dataset, key: str) -> int:
    most = min(dataset.rows, improve.MOST_ROWS)
    return int(
        place.number_input(
            _("Questions"),
            min_value=0,
            max_value=most,
            value=min(most, 20),
            key=f"improve-rows-{key}-{dataset.id}",
            help=_("More questions cost more and say more. Up to {n} are used.", n=improve.MOST_ROWS),
        )
    )


def _offer(workspace: Workspace, request: Request) -> None:
    blockers = improve.blockers(workspace, request)
    for message, remedy in blockers:
        st.warning(f"{session.escape(session.say(message))}  \n{session.escape(session.say(remedy))}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Improve"),
            type="primary",
            icon=":material/auto_fix_high:",
            key="improve-prompt",
            on_click=_start,
            args=(workspace, request),
            disabled=bool(blockers) or not audit.allowed(workspace, Verb.IMPROVE_PROMPT),
        )
        if not blockers:
            st.caption(_("About {n} model calls.", n=improve.calls(workspace, request)))


def _start(workspace: Workspace, request: Request) -> None:
    with feedback.action(Message("The optimiser has started. You may leave this page.")):
        improve.start(workspace, request)


def _show_outcome(workspace: Workspace, name: str, outcome: Outcome) -> None:
    st.header(_("What it wrote from version {n}", n=outcome.base), anchor=False)
    told = [_(improve.OPTIMIZERS[outcome.optimizer])] + ([session.moment(outcome.ended_at)] if outcome.ended_at else [])
    st.caption(" · ".join(told))
    if not outcome.changed:
        st.info(_("It found nothing better: the text stays as it is. Another try may find something."))
        return
    if outcome.refused:
        st.error(_("Its text cannot be saved: {reason}", reason=session.escape(session.say(outcome.refused))))
    st.markdown(session.escape(session.say(verdicts.sentence(outcome.verdict))))
    st.dataframe(_scores(outcome), hide_index=True, width="content")
    st.caption(
        _(
            "Measured on {n} questions that it did not learn from. A question comes out well when every scorer passes it.",
            n=outcome.rows,
        )
    )
    if outcome.unjudged:
        st.warning(_("A scorer failed {n} times; these count as not passed.", n=outcome.unjudged))
    st.button(
        _("Take it as my draft"),
        icon=":material/edit_note:",
        key="take-improved",
        on_click=_take,
        args=(workspace, outcome),
        disabled=not audit.allowed(workspace, Verb.SAVE_DRAFT),
    )
    try:
        base = prompts.version(workspace, name, outcome.base)
    except ConsoleError as error:
        feedback.show_error(error)
        return
    compare.show_impact(workspace, name, base.content, outcome.content)
    diff.show(base.content, outcome.content, (titles.label(base), _("the improved text")))


def _scores(outcome: Outcome) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                _("Scorer"): one.scorer,
                _("Passed before"): _("{n} of {rows}", n=one.before, rows=outcome.rows),
                _("Passed after"): _("{n} of {rows}", n=one.after, rows=outcome.rows),
            }
            for one in outcome.scores
        ]
    )


def _take(workspace: Workspace, outcome: Outcome) -> None:
    with feedback.action(Message("It is your draft now. Read it, change it, save it.")):
        improve.take(workspace, outcome.job_id, _("Improved from version {n}", n=outcome.base))
        opening.open_prompt(outcome.name)
