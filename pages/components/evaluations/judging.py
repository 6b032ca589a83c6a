"""What a person adds to an answer: a verdict of their own, or the question for a dataset."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import feedback, no_dataset, session
from pages.components.datasets import titles as dataset_titles
from services import audit, datasets
from services.audit import Verb
from services.datasets import Row
from services.errors import InvalidInputError
from services.evaluations import corrections, reading
from services.evaluations.records import NUMBER, PASS
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, one: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    left, right = st.columns(2, gap="large")
    with left.expander(_("Say it yourself"), icon=":material/gavel:", key=f"judge-{one['trace_id']}"):
        _judge(workspace, one, {name: kind for name, kind in kinds.items() if kind in (PASS, NUMBER)})
    with right.expander(_("Add the question to a dataset"), icon=":material/dataset:", key=f"add-{one['row_id']}"):
        _add(workspace, one)


def _judge(workspace: Workspace, one: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """A verdict under a scorer's name, with a reason."""
    may = audit.allowed(workspace, Verb.CORRECT_JUDGE)
    if not one["trace_id"] or one["state"] != "OK" or not kinds:
        st.caption(_("There is no answer to judge."))
        return
    key = f"judge/{one['trace_id']}"
    st.caption(_("Your verdict stands beside the scorer's, with your name. How well a judge agrees with people is measured by it."))  # fmt: skip
    name = st.selectbox(_("Scorer"), list(kinds), key=f"{key}/scorer", disabled=not may)
    given: bool | float | None
    if kinds[name] == PASS:
        given = st.segmented_control(
            _("Your verdict"),
            [True, False],
            format_func=lambda passed: _("passes") if passed else _("does not pass"),
            key=f"{key}/passed",
            disabled=not may,
        )
    else:
        given = st.number_input(_("Your number"), value=None, key=f"{key}/number", disabled=not may)
    st.text_area(_("Reason"), key=f"{key}/why", max_chars=corrections.LONGEST_WHY, disabled=not may)
    st.button(
        _("Save my verdict"),
        key="save-verdict",
        type="primary",
        on_click=_save,
        args=(workspace, one["trace_id"], kinds[name]),
        disabled=given is None or not may,
    )


def _save(workspace: Workspace, trace_id: str, kind: str) -> None:
    key, said = f"judge/{trace_id}", st.session_state
    given = said.get(f"{key}/passed") if kind == PASS else said.get(f"{key}/number")
    if given is None:
        return
    with feedback.action(Message("Your verdict stands beside the scorer's.")):
        corrections.give(workspace, trace_id, said[f"{key}/scorer"], given, said.get(f"{key}/why", ""))


def _add(workspace: Workspace, one: Mapping[str, Any]) -> None:
    known = dataset_titles.labels(datasets.all(workspace))
    may = audit.allowed(workspace, Verb.SAVE_DATASET)
    if not known:
        no_dataset.show()
        return
    st.selectbox(
        _("Dataset"),
        list(known),
        format_func=known.__getitem__,
        key="add-dataset",
        disabled=not may,
    )
    st.text_area(
        _("Expected answer"),
        value=one["expected"],
        key=f"add-expected/{one['row_id']}",
        help=_("What a good answer says. It may stay empty."),
        disabled=not may,
    )
    st.toggle(_("Critical"), value=bool(one["critical"]), key=f"add-critical/{one['row_id']}", disabled=not may)
    st.button(
        _("Add to the dataset"),
        key="add-row",
        type="primary",
        on_click=_put,
        args=(workspace, dict(one)),
        disabled=not may,
    )


def _put(workspace: Workspace, one: Mapping[str, Any]) -> None:
    """Add the question as it was asked; of one that stands there already only what was changed here is."""
    said, chosen = st.session_state, st.session_state["add-dataset"]
    given = {"expected": one["expected"], "critical": bool(one["critical"])}
    typed = {name: said.get(f"add-{name}/{one['row_id']}", was) for name, was in given.items()}
    with feedback.action(Message("The question stands in the dataset.")):
        found, turns = datasets.get(workspace, chosen), reading.messages(one)
        if not one["question"].strip():
            raise InvalidInputError(Message("The question is empty."), Message("Choose another row."))
        row = Row(
            "",
            one["question"],
            **typed,
            topic=one["topic"],
            language=one["language"],
            messages=tuple(turns) if len(turns) > 1 else (),
        )
        ids = {one["row_id"], datasets.request_id(datasets.inputs_of(row)["input"])}
        changed = {name: value for name, value in typed.items() if value != given[name]}
        there = datasets.rows(workspace, chosen)
        kept = [replace(each, **changed) if each.id in ids else each for each in there]
        new = [] if ids & {each.id for each in there} else [row]
        datasets.save_rows(workspace, chosen, [*kept, *new], seen=found.updated_at)
