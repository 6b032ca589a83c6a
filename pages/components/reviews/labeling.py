"""Labeling sessions of a workspace: how far people are in its Review App, what they said, and the way into a dataset."""

import pandas as pd
import streamlit as st

from pages.components import choices, feedback, no_dataset, session
from pages.components.reviews import address
from services import audit, datasets
from services.audit import Verb
from services.errors import ConsoleError
from services.jobs import State
from services.messages import Message
from services.platforms.databricks.labeling import making, sessions, syncing, taking
from services.platforms.databricks.labeling.sessions import Progress, Session
from services.platforms.databricks.labeling.taking import Said
from services.workspace import Workspace

_ = session.text


def show_all(workspace: Workspace) -> None:
    """Below the queues: what the workspace refuses or delays leaves them as they are."""
    st.header(_("Labeling sessions in the Review App"), anchor=False)
    _show_job(workspace)
    try:
        found = sessions.all(workspace)
    except ConsoleError as error:
        feedback.show_error(error)
        return
    if not found:
        st.caption(
            _(
                "People who do not use this console can judge answers in the Review App of the workspace. Make a new queue "
                "and choose that they judge there."
            )
        )
    for one, progress in found:
        _show_line(one, progress)


def show(workspace: Workspace, id: str) -> None:
    """One session."""
    st.button(_("All queues"), icon=":material/arrow_back:", key="reviews-back", on_click=address.open_list)
    one, progress = sessions.get(workspace, id)
    st.header(session.escape(one.name), anchor=False)
    _show_facts(one)
    _show_progress(progress)
    st.link_button(_("Open in the Review App"), one.page, icon=":material/open_in_new:")
    st.caption(
        _(
            "Send this link to the people who judge. The Review App shows the question, the answer and the steps between; "
            "custom inputs of a request it cannot show."
        )
    )
    _show_said(workspace, one, progress)
    _show_dataset(workspace, one, progress)


def _show_job(workspace: Workspace) -> None:
    """The newest one while it is made, or why it could not be."""
    job = making.latest(workspace)
    if job is None or not (job.live or job.state is State.FAILED):
        return
    st.markdown(f"**{session.escape(job.args['name'])}**")
    feedback.job(job.id)
    if not job.live:
        st.button(
            _("Try again"),
            key="labeling-again",
            icon=":material/refresh:",
            on_click=_again,
            args=(workspace,),
            disabled=not audit.allowed(workspace, Verb.MAKE_SESSION),
        )


def _show_line(one: Session, progress: Progress | None) -> None:
    with st.container(border=True, key=f"labeling-{one.id}"):
        said, ways = st.columns([3, 2], vertical_alignment="center")
        with said:
            st.markdown(f"**{session.escape(one.name)}**")
            _show_facts(one)
        with ways.container(horizontal=True, horizontal_alignment="right"):
            st.link_button(_("Open in the Review App"), one.page, icon=":material/open_in_new:")
            st.button(
                _("What it found"),
                key=f"labeling-open-{one.id}",
                icon=":material/insights:",
                on_click=address.open_session,
                args=(one.id,),
            )
        if progress is not None:
            _show_progress(progress)


def _show_facts(one: Session) -> None:
    people = ", ".join(one.people) or _("nobody is named")
    told = [_("Reviewers: {who}", who=people), _("Asked: {what}", what=", ".join(one.asks) or "–")]
    st.caption(session.escape(" · ".join(told)))


def _show_progress(progress: Progress) -> None:
    if not progress.total:
        st.caption(_("No answers are in it yet."))
        return
    told = [_("{done} of {total} done", done=progress.done, total=progress.total)]
    told += [_("skipped: {n}", n=progress.aside)] if progress.aside else []
    st.progress((progress.done + progress.aside) / progress.total, " · ".join(told))


def _show_said(workspace: Workspace, one: Session, progress: Progress) -> None:
    st.markdown(f"### {_('What people said')}")
    if not progress.judged:
        st.info(_("Nobody has judged an answer to the end yet."))
        return
    table = pd.DataFrame([_line(said) for said in taking.said(workspace, one, progress)])
    st.dataframe(table, hide_index=True, key="labeling-said", placeholder="")
    new = len(set(progress.judged) - taking.taken(workspace, one))
    with st.container(horizontal=True, vertical_alignment="center"):
        if new:
            st.button(
                _("Take the answers in ({n})", n=new),
                key="labeling-take",
                type="primary",
                icon=":material/download:",
                on_click=_take,
                args=(workspace, one.id),
                disabled=not audit.allowed(workspace, Verb.TAKE_LABELS),
            )
        else:
            st.markdown(f":green-badge[:material/check: {_('All of them are taken in')}]", width="content")
        st.page_link(session.page("scorers"), label=_("Health of the scorers"), icon=":material/monitor_heart:")
    st.caption(
        _(
            "They stand with the traces, in the names of those who judged. Taken in, they count in the scorers' health and in "
            "the lists of traces, however old the answers are."
        )
    )


def _line(said: Said) -> dict[str, str]:
    words = " · ".join(f"{word}: {n}" for word, n in said.words)
    mean = _("mean {value}", value=f"{said.mean:.2f}") if said.mean is not None else ""
    text = _("Free text") if said.answers else "–"
    return {_("Asked"): said.name, _("Answers"): str(said.answers), _("What people said"): words or mean or text}


def _show_dataset(workspace: Workspace, one: Session, progress: Progress) -> None:
    st.markdown(f"### {_('Into a dataset')}")
    job = syncing.latest(workspace, one.id)
    if job is not None:
        rows, name = job.result.get("rows", 0), job.args["dataset"]
        feedback.job(job.id, Message("Rows of {name} that are new or changed: {n}.", name=name, n=rows), kept=True)
    # Without their numbers of questions, which the sync changes under an open choice.
    known = choices.apart({found.id: found.name for found in datasets.all(workspace)})
    if not known:
        no_dataset.show()
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Dataset"),
            list(known),
            index=list(known).index(workspace.app.dataset_id) if workspace.app.dataset_id in known else 0,
            format_func=known.__getitem__,
            key="labeling-dataset",
            width=300,
        )
        st.button(
            _("Add to the dataset"),
            key="labeling-sync",
            icon=":material/dataset:",
            on_click=_sync,
            args=(workspace, one.id),
            disabled=not (progress.total and audit.allowed(workspace, Verb.SAVE_DATASET))
            or (job is not None and job.live),
        )
    st.caption(
        _(
            "The session's own sync adds every question of the session, also those that nobody judged yet, with the right "
            "answers that people wrote. A question that is there already is not added twice."
        )
    )


def _again(workspace: Workspace) -> None:
    with feedback.action(Message("The labeling session is being made.")):
        job = making.latest(workspace)
        if job is not None:
            making.again(workspace, job)


def _take(workspace: Workspace, id: str) -> None:
    with feedback.action(Message("Taken in.")) as click:
        click.done = Message("Answers that were taken in: {n}.", n=taking.take(workspace, id))


def _sync(workspace: Workspace, id: str) -> None:
    with feedback.action(Message("The session is brought into the dataset.")):
        syncing.start(workspace, id, st.session_state["labeling-dataset"])
