"""The questions that every variant is asked: typed, out of a dataset, or from live traffic."""

import pandas as pd
import streamlit as st

from pages.components import choices, feedback, no_dataset, session, tables
from pages.components.datasets import titles
from pages.components.playground import desk
from pages.components.playground.desk import Place
from services import datasets, playground
from services.datasets import Row
from services.errors import InvalidInputError
from services.messages import Message, mark
from services.playground import Question
from services.traces import TraceRow
from services.workspace import Workspace

KINDS = {"typed": mark("Type one"), "dataset": mark("From a dataset"), "trace": mark("From live traffic")}
MOST_LISTED = 1000
LIST_HEIGHT = 250
_ = session.text


def show(place: Place) -> None:
    """The ways to add a question."""
    st.header(_("Questions to ask"), anchor=False)
    kind = st.segmented_control(
        _("Add a question"),
        list(KINDS),
        format_func=lambda one: _(KINDS[one]),
        default="typed",
        required=True,
        key=_key(place, "kind"),
        label_visibility="collapsed",
    )
    SHOWN[str(kind)](place)
    feedback.show_refusal(_beside(place))


def _show_typed(place: Place) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_area(
            _("Question"),
            key=_key(place, "typed"),
            height=68,
            label_visibility="collapsed",
            placeholder=_("What could a customer ask?"),
        )
        st.button(
            _("Add question"),
            icon=":material/add:",
            key="add-typed",
            on_click=_add_typed,
            args=(place,),
        )


def _show_dataset(place: Place) -> None:
    found = titles.labels(datasets.all(place.workspace))
    if not found:
        no_dataset.show()
        return
    ids = list(found)
    chosen = st.selectbox(
        _("Dataset"),
        ids,
        ids.index(place.workspace.app.dataset_id) if place.workspace.app.dataset_id in found else 0,
        format_func=found.__getitem__,
        key=_key(place, "dataset"),
    )
    rows = datasets.rows(place.workspace, chosen)[:MOST_LISTED]
    table = pd.DataFrame(
        {
            _("Question"): [tables.cell(row.question) for row in rows],
            _("Topic"): [row.topic for row in rows],
            _("Critical"): [row.critical for row in rows],
        }
    )
    _choose_lines(place, _rows_of(chosen), table)
    st.button(
        _("Add the chosen questions"),
        icon=":material/add:",
        key="add-rows",
        on_click=_add_rows,
        args=(place, chosen, rows),
    )


def _show_traces(place: Place) -> None:
    rows = _listed_traces(place)
    if rows:
        table = pd.DataFrame(
            {
                _("Time"): [session.moment(row.time) for row in rows],
                _("Question"): [tables.cell(row.question) for row in rows],
                _("Answer"): [tables.cell(row.answer) for row in rows],
            }
        )
        _choose_lines(place, "traces", table)
    else:
        st.caption(
            _("There was no live traffic in the last 30 days. The question of any other trace can be taken by its id.")
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(_("Trace id"), key=_key(place, "trace"), placeholder="tr-…", label_visibility="collapsed")
        st.button(
            _("Add the chosen questions"),
            icon=":material/add:",
            key="add-traces",
            on_click=_add_traces,
            args=(place, rows),
        )


SHOWN = {"typed": _show_typed, "dataset": _show_dataset, "trace": _show_traces}


def _listed_traces(place: Place) -> list[TraceRow]:
    """The newest; while lines are ticked the list stays, so that a tick never comes to stand at another question."""
    key = _key(place, "listed")
    if key not in st.session_state or not _chosen(place, "traces"):
        st.session_state[key] = list(playground.newest_traces(place.workspace))
    found: list[TraceRow] = st.session_state[key]
    return found


def _choose_lines(place: Place, name: str, table: pd.DataFrame) -> None:
    st.dataframe(
        table,
        hide_index=True,
        height=min(LIST_HEIGHT, 36 * (len(table) + 1)),
        on_select="rerun",
        selection_mode="multi-row",
        key=_ticks(place, name),
    )


def ask_values(place: Place) -> None:
    """Fields for the variables that neither the app nor the question fills."""
    names = playground.unfilled(place.workspace, place.variants)
    if not names:
        return
    st.caption(_("Values for variables; what you type is used on this screen only."))
    with st.grid(4, min_column_width=200, gap="xsmall"):
        for name in names:
            value = place.desk.values.get(name, "")
            st.text_input(
                name,
                **choices.seed(desk.key(place, "value", name), value, value=value),
                on_change=desk.take_in,
                args=(place.workspace, place.prompt),
            )


def add_from_address(workspace: Workspace, prompt: str) -> None:
    """Take the question of the trace that a link names, once."""
    trace = st.query_params.pop("trace", None)
    if trace:
        taken = playground.of_trace(workspace, trace)
        desk.change(workspace, prompt, lambda found: found.with_questions([taken]))


def _key(place: Place, name: str) -> str:
    return desk.key(place, "ask", name)


# A click may overtake what was just typed: callbacks read the fields, not what the last run saw.


def _add(place: Place, questions: list[Question]) -> None:
    before = len(place.desk.questions)
    after = desk.change(place.workspace, place.prompt, lambda found: found.with_questions(questions))
    if len(after.questions) == before:
        raise InvalidInputError(Message("These questions are on the list already."), Message("Add another one."))


def _add_typed(place: Place) -> None:
    with feedback.action(Message("Added."), _beside(place)):
        text = st.session_state[_key(place, "typed")].strip()
        if not text:
            raise InvalidInputError(Message("The question is empty."), Message("Write one first."))
        _add(place, [playground.typed(text)])
        st.session_state[_key(place, "typed")] = ""


def _add_rows(place: Place, dataset: str, rows: list[Row]) -> None:
    with feedback.action(Message("Added."), _beside(place)):
        chosen = [rows[index] for index in _chosen(place, _rows_of(dataset)) if index < len(rows)]
        _require(bool(chosen))
        _add(place, playground.of_rows(datasets.get(place.workspace, dataset), chosen))
        _untick(place, _rows_of(dataset))


def _add_traces(place: Place, rows: list[TraceRow]) -> None:
    with feedback.action(Message("Added."), _beside(place)):
        typed = st.session_state[_key(place, "trace")].strip()
        ids = [rows[index].trace_id for index in _chosen(place, "traces") if index < len(rows)]
        _require(bool(typed or ids))
        found = [playground.of_trace(place.workspace, id, listed=True) for id in ids]
        _add(place, [*found, *([playground.of_trace(place.workspace, typed)] if typed else [])])
        st.session_state[_key(place, "trace")] = ""
        _untick(place, "traces")


def _chosen(place: Place, name: str) -> list[int]:
    return list(st.session_state.get(_ticks(place, name), {}).get("selection", {}).get("rows", []))


def _untick(place: Place, name: str) -> None:
    """A new table stands in the old one's place: the ticks of one cannot be taken back from here."""
    st.session_state[_key(place, f"{name}-added")] = st.session_state.get(_key(place, f"{name}-added"), 0) + 1


def _ticks(place: Place, name: str) -> str:
    return _key(place, f"{name}-{st.session_state.get(_key(place, f'{name}-added'), 0)}")


def _rows_of(dataset: str) -> str:
    """Every dataset has ticks of its own."""
    return f"rows-{dataset}"


def _beside(place: Place) -> str:
    """Where a refusal to add stands: at the fields, which may be far from the top of the page."""
    return _key(place, "refused")


def _require(chosen: bool) -> None:
    if not chosen:
        raise InvalidInputError(Message("Nothing is chosen."), Message("Tick one or more lines first."))


def take_out(workspace: Workspace, prompt: str, id: str) -> None:
    desk.change(workspace, prompt, lambda found: found.without(id))
