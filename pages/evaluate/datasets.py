"""Collect the questions that answers are judged on."""

from dataclasses import asdict, replace
from typing import Any

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


def create() -> None:
    key = form_key("new")
    name, rows = st.session_state[f"{key}-name"], pasted(key)
    with feedback.action(Message("Saved {name}: {n} questions.", name=name, n=len(rows))):
        open_dataset(datasets.create(workspace, name, rows).id)
        st.session_state[f"{key}-name"] = st.session_state[f"{key}-text"] = ""


def save(dataset: Dataset, rows: list[Row]) -> None:
    with feedback.action(Message("Saved {name}.", name=dataset.name)):
        changed = edited(rows, st.session_state[grid(dataset)])
        datasets.save_rows(workspace, dataset.id, changed, seen=dataset.updated_at)


def add(dataset: Dataset) -> None:
    key = form_key("add")
    with feedback.action(Message("Added questions to {name}.", name=dataset.name)):
        datasets.save_rows(workspace, dataset.id, [*datasets.rows(workspace, dataset.id), *pasted(key)])
        st.session_state[f"{key}-text"] = ""


def use_for_releases(dataset: Dataset) -> None:
    with feedback.action(Message("Releases are judged on {name} now.", name=dataset.name)):
        apps.choose_dataset(workspace, dataset.id)


# A click may overtake what was just typed: callbacks read the fields, not what the last run saw.


def form_key(form: str) -> str:
    """What the fields of a form are called by: each app has its own."""
    return f"{form}-{workspace.app.id}"


def pasted(key: str) -> list[Row]:
    state = st.session_state
    return datasets.pasted(state[f"{key}-text"], state[f"{key}-topic"].strip(), state[f"{key}-language"] or "")


def grid(dataset: Dataset) -> str:
    """The grid's key; a saved dataset gets a fresh grid."""
    return f"grid-{dataset.id}-{dataset.updated_at.timestamp()}"


def edited(rows: list[Row], changes: dict[str, Any]) -> list[Row]:
    """The rows with what was changed in the grid; a new line without a question is not one yet."""
    lines = [replace(row, **said(changes["edited_rows"].get(index, {}))) for index, row in enumerate(rows)]
    kept = [line for index, line in enumerate(lines) if index not in changes["deleted_rows"]]
    added = [line for line in changes["added_rows"] if line.get("question") is not None]
    return [*kept, *(Row("", **said(line)) for line in added)]


def said(cells: dict[str, Any]) -> dict[str, Any]:
    """The cells of a line; an emptied one comes as nothing."""
    return {name: bool(value) if name == "critical" else value or "" for name, value in cells.items()}


def ask_lines(key: str) -> None:
    """The fields for pasting questions: text, topic, language."""
    st.text_area(_("Questions, one per line"), key=f"{key}-text", height=160)
    left, right = st.columns(2)
    left.text_input(_("Topic of these questions"), key=f"{key}-topic", placeholder=_("delivery"))
    right.selectbox(
        _("Language of these questions"),
        list(LANGUAGES),
        index=None,
        format_func=LANGUAGES.__getitem__,
        key=f"{key}-language",
        placeholder=_("Not said"),
    )


def show_new() -> None:
    st.text_input(_("Name"), key=f"{form_key('new')}-name", placeholder=_("Questions of last month"))
    ask_lines(form_key("new"))
    st.button(_("Create dataset"), type="primary", key="create", on_click=create, disabled=not may_save)


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
    st.data_editor(
        pd.DataFrame([asdict(row) for row in rows], columns=COLUMNS),
        num_rows="dynamic",
        hide_index=True,
        disabled=not may_save,
        key=grid(dataset),
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
    st.button(_("Save changes"), type="primary", key="save", on_click=save, args=(dataset, rows), disabled=not may_save)


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
    ask_lines(form_key("add"))
    st.button(_("Add questions"), key="add", on_click=add, args=(chosen,), disabled=not may_save)
with st.expander(_("New dataset")):
    show_new()
