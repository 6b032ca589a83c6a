"""Collect the questions that answers are judged on."""

from dataclasses import asdict

import pandas as pd
import streamlit as st

from pages.components import feedback, session
from services import apps, audit, datasets
from services.audit import Verb
from services.datasets import Dataset, Row
from services.messages import LANGUAGES, Message

_ = session.text
COLUMNS = ("question", "expected", "critical", "topic", "language")


def open_dataset(id: str) -> None:
    st.query_params["dataset"] = id


def create(name: str, text: str, topic: str, language: str | None) -> None:
    rows = datasets.pasted(text, topic.strip(), language or "")
    with feedback.action(Message("Saved {name}: {n} questions.", name=name, n=len(rows))):
        open_dataset(datasets.create(workspace, name, rows).id)


def save(dataset: Dataset, edited: pd.DataFrame) -> None:
    with feedback.action(Message("Saved {name}.", name=dataset.name)):
        datasets.save_rows(workspace, dataset.id, rows_of(edited))


def add(dataset: Dataset, text: str, topic: str, language: str | None) -> None:
    more = datasets.pasted(text, topic.strip(), language or "")
    with feedback.action(Message("Added questions to {name}.", name=dataset.name)):
        datasets.save_rows(workspace, dataset.id, [*datasets.rows(workspace, dataset.id), *more])
        st.session_state["add-text"] = ""


def use_for_releases(dataset: Dataset) -> None:
    with feedback.action(Message("Releases are judged on {name} now.", name=dataset.name)):
        apps.choose_dataset(workspace, dataset.id)


def rows_of(edited: pd.DataFrame) -> list[Row]:
    """The grid's lines; a new line without a question is not one yet."""
    filled = edited[edited["question"].notna()]
    filled = filled.fillna({"expected": "", "critical": False, "topic": "", "language": ""})
    return [Row(id="", **one) for one in filled[list(COLUMNS)].to_dict("records")]


def ask_lines(key: str) -> tuple[str, str, str | None]:
    """The fields for pasting questions: text, topic, language."""
    text = st.text_area(_("Questions, one per line"), key=f"{key}-text", height=160)
    left, right = st.columns(2)
    topic = left.text_input(_("Topic of these questions"), key=f"{key}-topic", placeholder=_("delivery"))
    language = right.selectbox(
        _("Language of these questions"),
        list(LANGUAGES),
        index=None,
        format_func=LANGUAGES.__getitem__,
        key=f"{key}-language",
        placeholder=_("Not said"),
    )
    return text, topic, language


def show_new() -> None:
    name = st.text_input(_("Name"), key="new-name", placeholder=_("Questions of last month"))
    fields = ask_lines("new")
    st.button(
        _("Create dataset"), type="primary", key="create", on_click=create, args=(name, *fields), disabled=not may_save
    )


def show_facts(dataset: Dataset, rows: list[Row]) -> None:
    facts = [_("Questions: {n}", n=len(rows)), _("critical: {n}", n=sum(row.critical for row in rows))]
    topics = len({row.topic for row in rows if row.topic})
    facts += [_("topics: {n}", n=topics)] if topics else []
    with st.container(horizontal=True, vertical_alignment="center"):
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
        st.caption(" · ".join([*facts, _("changed {time}", time=session.moment(dataset.updated_at))]))


def show_grid(dataset: Dataset, rows: list[Row]) -> None:
    if not rows:
        st.info(_("This dataset has no questions. Add some below; an evaluation needs at least one."))
    edited = st.data_editor(
        pd.DataFrame([asdict(row) for row in rows], columns=["id", *COLUMNS]).drop(columns="id"),
        num_rows="dynamic",
        hide_index=True,
        disabled=not may_save,
        key=f"grid-{dataset.id}-{dataset.updated_at.timestamp()}",
        column_config={
            "question": st.column_config.TextColumn(_("Question"), width="large"),
            "expected": st.column_config.TextColumn(_("Expected answer"), width="medium"),
            "critical": st.column_config.CheckboxColumn(_("Critical"), default=False),
            "topic": st.column_config.TextColumn(_("Topic"), default=""),
            "language": st.column_config.SelectboxColumn(_("Language"), options=["", *LANGUAGES], default=""),
        },
    )
    st.caption(
        _("A critical question that passed before and fails now stops a release. An empty question is a valid test.")
    )
    st.button(
        _("Save changes"), type="primary", key="save", on_click=save, args=(dataset, edited), disabled=not may_save
    )


workspace = session.workspace()
may_save = audit.allowed(workspace, Verb.SAVE_DATASET)
st.title(_("Datasets"), anchor=False)
found = {one.id: one for one in datasets.all(workspace)}
if not found:
    st.info(
        _(
            "There are no questions yet. Paste some that customers really ask; ten are a start, fifty make verdicts sure."
        )
    )
    show_new()
    st.stop()
asked = st.query_params.get("dataset", workspace.app.dataset_id)
if asked and asked not in found:
    st.warning(_("There is no dataset {id} in this app.", id=session.escape(asked)))
st.session_state["dataset"] = asked if asked in found else next(iter(found))
chosen = found[
    st.selectbox(
        _("Dataset"),
        list(found),
        format_func=lambda id: f"{found[id].name} ({found[id].rows})",
        key="dataset",
        on_change=lambda: open_dataset(st.session_state["dataset"]),
    )
]
questions = datasets.rows(workspace, chosen.id)
show_facts(chosen, questions)
show_grid(chosen, questions)
with st.expander(_("Add many questions at once")):
    lines = ask_lines("add")
    st.button(_("Add questions"), key="add", on_click=add, args=(chosen, *lines), disabled=not may_save)
with st.expander(_("New dataset")):
    show_new()
