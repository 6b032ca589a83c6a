"""Where the question and the answer are in an app's traces."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import session, tables
from services import apps, readmodel, traces
from services.apps import AppForm, Places
from services.traces import Offered, Place
from services.workspace import Workspace

_ = session.text
SHOWN = 3
LONGEST_EXAMPLE = 60


def show(workspace: Workspace, key: str, form: AppForm, experiment_id: str) -> dict[str, DeltaGenerator]:
    """The two choices and what they make of the newest traces; returns the places for what is wrong with them."""
    found = traces.offered(workspace, experiment_id)
    left, right = st.columns(2)
    with left:
        _choice(f"{key}-question", _("Where the question is"), form.question_at, found.questions, len(found.traces))
        question = st.empty()
    with right:
        _choice(f"{key}-answer", _("Where the answer is"), form.answer_at, found.answers, len(found.traces))
        answer = st.empty()
    now = _now(filled(key, form))
    if found.traces:
        _show_read(found, now)
    if now != Places(form.question_at, form.answer_at):
        _say_consequence(workspace, experiment_id)
    return {"question": question, "answer": answer}


def filled(key: str, form: AppForm) -> AppForm:
    """The form with the two fields as they stand now, empty where they are not drawn."""
    question, answer = ((st.session_state.get(f"{key}-{name}") or "").strip() for name in ("question", "answer"))
    return replace(form, question_at=question, answer_at=answer)


def _now(form: AppForm) -> Places:
    """What is chosen; what is no path counts as nothing, until saving says what is wrong with it."""
    return Places(*(path if apps.is_path(path) else "" for path in (form.question_at, form.answer_at)))


def _choice(key: str, label: str, chosen: str, places: Sequence[Place], total: int) -> None:
    told = _(
        "For traces of a shape that the console does not know. A trace that has nothing there is read as if nothing were "
        "chosen."
    )
    if not places:
        st.text_input(
            label,
            chosen,
            key=key,
            placeholder=_("Found by itself"),
            help=session.joined(told, _("Write it like $.payload.query.")),
        )
        return
    by_path = {place.path: place for place in places}
    options = ["", *by_path] if not chosen or chosen in by_path else ["", chosen, *by_path]
    st.selectbox(
        label,
        options,
        index=options.index(chosen),
        key=key,
        format_func=lambda path: _option(path, by_path.get(path), total),
        help=told,
    )


def _option(path: str, place: Place | None, total: int) -> str:
    if not path:
        return _("Found by itself")
    way = " › ".join(_step(step) for step in apps.steps(path)) or _("everything")
    if place is None:
        return _("{place} (in none of the newest traces)", place=way)
    text = " ".join(place.example.split())
    cut = text if len(text) <= LONGEST_EXAMPLE else text[: LONGEST_EXAMPLE - 1] + "…"
    return _("{place}: “{example}” ({n} of {total})", place=way, example=cut, n=place.traces, total=total)


def _step(step: str | int | None) -> str:
    if step is None:
        return _("each")
    if isinstance(step, int):
        return _("the last") if step == -1 else str(step + 1)
    return step


def _show_read(found: Offered, now: Places) -> None:
    st.caption(_("What lists, scorers and reviewers then read in the newest traces"))
    read = [(tables.cell(question), tables.cell(answer)) for question, answer in found.read(now, SHOWN)]
    st.dataframe(pd.DataFrame(read, columns=[_("Question"), _("Answer")]), hide_index=True)


def _say_consequence(workspace: Workspace, experiment_id: str) -> None:
    if experiment_id != workspace.app.experiment_id:
        return
    st.info(
        _(
            "Saving has the {n} traces read again for lists, search and drift, in the background; until that is done, "
            "older ones show as before. Verdicts that were given stay as they are.",
            n=readmodel.state(workspace).traces,
        ),
        icon=":material/info:",
    )
