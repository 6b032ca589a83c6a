"""Collect the questions that answers are judged on."""

import streamlit as st

from pages.components import critical_memory, feedback, screens, session, views
from pages.components.datasets import adding, checking, listing, opening, questions, taking_out, versions, writing
from services import apps, audit, datasets
from services.audit import Verb
from services.datasets import Dataset, Row
from services.messages import Message, mark

_ = session.text
VIEWS = {
    "questions": (mark("Questions and answers"), questions.show),
    "add": (mark("Add questions"), adding.show),
    "checkup": (mark("Check-up"), checking.show),
    "versions": (mark("Versions"), versions.show),
    "export": (mark("Export"), taking_out.show),
}


def choose_view(dataset: Dataset) -> str:
    titles = {name: title for name, (title, _show) in VIEWS.items()}
    return views.choose(titles, f"dataset-view-{dataset.id}", lambda view: opening.open_dataset(dataset.id, view))


def use_for_releases(dataset: Dataset) -> None:
    with feedback.action(Message("Releases are judged on {name} now.", name=dataset.name)):
        apps.choose_dataset(workspace, dataset.id)


def show_back() -> None:
    st.button(_("All datasets"), icon=":material/arrow_back:", key="back", on_click=opening.open_list)


def show_head(dataset: Dataset, rows: list[Row]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show_back()
        if dataset.id == workspace.app.dataset_id:
            st.badge(_("releases are judged on this"), icon=":material/verified:", color="green")
        else:
            st.button(
                _("Use for releases"),
                key="use",
                on_click=use_for_releases,
                args=(dataset,),
                disabled=not audit.allowed(workspace, Verb.UPDATE_APP),
            )
    st.header(session.escape(dataset.name), anchor=False)
    facts = [_("Questions: {n}", n=len(rows)), _("critical: {n}", n=sum(row.critical for row in rows))]
    topics = len({row.topic for row in rows if row.topic})
    facts += [_("topics: {n}", n=topics)] if topics else []
    st.caption(" · ".join([*facts, _("changed {time}", time=session.moment(dataset.updated_at))]))


workspace = session.workspace()
screens.show_title("datasets")
found = {one.id: one for one in datasets.all(workspace)}
if not found:
    st.info(
        _(
            "There are no questions yet. Paste some that customers really ask; ten are a start, fifty make verdicts sure."
        )
    )
if not found or "new" in st.query_params:
    if found:
        show_back()
        st.header(_("New dataset"), anchor=False)
    adding.show(workspace, None, [])
    st.stop()
asked = st.query_params.get("dataset")
if asked not in found:
    if asked is not None:
        st.warning(_("There is no dataset {id} in this app.", id=session.escape(asked)))
    listing.show(workspace, list(found.values()))
    st.stop()
chosen = found[asked]
job = writing.newest(workspace, chosen)
if job is not None and job.live:
    show_back()
    st.header(session.escape(chosen.name), anchor=False)
    if not feedback.job(job.id).live:
        st.rerun()
    st.caption(_("The questions can be read and changed as soon as they are saved."))
    st.stop()
if job is not None:
    feedback.job(job.id, kept=True)
    writing.show_resume(workspace, job)
rows = datasets.rows(workspace, chosen.id)
show_head(chosen, rows)
view = choose_view(chosen)
VIEWS[view][1](workspace, chosen, rows)
if view == "questions" and chosen.id == workspace.app.dataset_id:
    critical_memory.show(workspace, sum(row.critical for row in rows))
