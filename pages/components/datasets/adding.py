"""Ways to bring questions in: type, a file, traces, a conversation, variations; nothing is written before a click."""

from collections.abc import Iterable

import streamlit as st

from pages.components import feedback, session
from pages.components.datasets import from_file, from_traces, opening, varying, writing
from pages.components.feedback import Click
from services import audit, datasets
from services.audit import Verb
from services.datasets import Dataset, Row
from services.errors import InvalidInputError
from services.messages import LANGUAGES, Message, mark
from services.workspace import Workspace

WAYS = {
    "type": mark("Type or paste"),
    "file": mark("From a file"),
    "traces": mark("From traces"),
    "talk": mark("A conversation"),
    "vary": mark("Variations"),
}
_ = session.text


def show(workspace: Workspace, target: Dataset | None, rows: list[Row]) -> None:
    """Add to `target`, or without one to a new dataset."""
    form = _form(workspace, target)
    if target is None:
        st.text_input(_("Name"), key=f"{form}-name", placeholder=_("Questions of last month"), max_chars=200)
    ways = [way for way in WAYS if target is not None or way != "vary"]
    way = st.segmented_control(
        _("Where the questions come from"),
        ways,
        default="type",
        format_func=lambda one: _(WAYS[one]),
        key=f"{form}-way",
        required=True,
        label_visibility="collapsed",
    )
    if way == "file":
        from_file.show(workspace, target, rows, f"{form}-name")
    elif way == "traces":
        _show_offered(workspace, target, from_traces.show(workspace, form))
    elif way == "talk":
        _show_conversation(workspace, target)
    elif way == "vary" and target is not None:
        _show_offered(workspace, target, varying.show(workspace, target, rows))
    else:
        _show_typing(workspace, target)


def write(workspace: Workspace, target: Dataset | None, name: str, rows: Iterable[Row], click: Click) -> None:
    """Make a dataset of these rows, or add those that are new to `target`."""
    kept = datasets.check(rows)
    if target is None:
        opening.open_dataset(writing.create(workspace, name, kept, click))
    else:
        writing.add(workspace, target, kept, click)


def _form(workspace: Workspace, target: Dataset | None) -> str:
    """What the fields are called by: each app has its own."""
    return f"{'add' if target else 'new'}-{workspace.app.id}"


def _show_typing(workspace: Workspace, target: Dataset | None) -> None:
    form = _form(workspace, target)
    st.text_area(_("Questions, one per line"), key=f"{form}-text", height=180)
    _show_notes(form)
    _show_button(workspace, target, _write_typed)


def _show_notes(form: str) -> None:
    left, right = st.columns(2)
    left.text_input(_("Topic of these questions"), key=f"{form}-topic", placeholder=_("delivery"))
    right.selectbox(
        _("Language of these questions"),
        list(LANGUAGES),
        index=None,
        format_func=LANGUAGES.__getitem__,
        key=f"{form}-language",
        placeholder=_("Not said"),
    )


def _show_conversation(workspace: Workspace, target: Dataset | None) -> None:
    form = _form(workspace, target)
    st.caption(
        _(
            "One message per line. Lines alternate between the person and the agent, the person begins and has the last "
            "word: that is the question which is answered anew."
        )
    )
    st.text_area(
        _("Messages, one per line"),
        key=f"{form}-talk",
        height=180,
        placeholder=_("Where is my parcel?\nMay I have the number of your order?\nIt is 4711."),
    )
    st.text_area(_("Expected answer"), key=f"{form}-talk-expected", height=80)
    _show_notes(form)
    _show_button(workspace, target, _write_conversation)


def _show_button(workspace: Workspace, target: Dataset | None, write_it: object) -> None:
    st.button(
        _("Add questions") if target else _("Create dataset"),
        type="primary",
        key="add" if target else "create",
        on_click=write_it,  # type: ignore[arg-type]  # one of the callbacks below
        args=(workspace, target),
        disabled=not audit.allowed(workspace, Verb.SAVE_DATASET),
    )


def _show_offered(workspace: Workspace, target: Dataset | None, taken: list[Row] | None) -> None:
    """The button under what was found; None: nothing was looked for yet."""
    if taken is None:
        return
    form = _form(workspace, target)
    st.button(
        _("Add the ticked questions: {n}", n=len(taken)),
        type="primary",
        key="take",
        on_click=_write_offered,
        args=(workspace, target, taken, form),
        disabled=not taken or not audit.allowed(workspace, Verb.SAVE_DATASET),
    )


# A click may overtake what was just typed: callbacks read the fields, not what the last run saw.


def _write_typed(workspace: Workspace, target: Dataset | None) -> None:
    state, form = st.session_state, _form(workspace, target)
    rows = datasets.pasted(state[f"{form}-text"], state[f"{form}-topic"].strip(), state[f"{form}-language"] or "")
    name = target.name if target else state[f"{form}-name"]
    with feedback.action(Message("Saved {name}.", name=name)) as click:
        write(workspace, target, name, rows, click)
        state[f"{form}-text"] = ""


def _write_conversation(workspace: Workspace, target: Dataset | None) -> None:
    state, form = st.session_state, _form(workspace, target)
    said = [line.strip() for line in state[f"{form}-talk"].splitlines() if line.strip()]
    roles = ("user", "assistant")
    turns = tuple({"role": roles[place % 2], "content": line} for place, line in enumerate(said))
    name = target.name if target else state[f"{form}-name"]
    with feedback.action(Message("Saved {name}.", name=name)) as click:
        if len(turns) < 3 or len(turns) % 2 == 0:
            raise InvalidInputError(
                Message(
                    "A conversation begins and ends with the person: write an odd number of lines, at least three."
                ),
                Message("Take the agent's last answer away, or add the person's next question."),
            )
        row = Row(
            id="",
            question=said[-1],
            expected=state[f"{form}-talk-expected"].strip(),
            topic=state[f"{form}-topic"].strip(),
            language=state[f"{form}-language"] or "",
            messages=turns,
        )
        write(workspace, target, name, [row], click)
        state[f"{form}-talk"] = state[f"{form}-talk-expected"] = ""


def _write_offered(workspace: Workspace, target: Dataset | None, taken: list[Row], form: str) -> None:
    name = target.name if target else st.session_state[f"{form}-name"]
    with feedback.action(Message("Added questions to {name}.", name=name)) as click:
        write(workspace, target, name, taken, click)
        from_traces.forget(form)
