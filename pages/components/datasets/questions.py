"""The questions of a dataset in a grid of pages; what is typed stays until it is saved or discarded."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components import choices, feedback, session
from pages.components.datasets import writing
from services import audit, datasets
from services.audit import Verb
from services.datasets import Dataset, Row, difference, editing
from services.datasets.editing import Edits
from services.messages import LANGUAGES, Message, language_name, mark
from services.workspace import Workspace

PAGE = 100
ONLY = {
    "": mark("All questions"),
    "critical": mark("Critical ones"),
    "unanswered": mark("Without an expected answer"),
    "conversation": mark("Conversations"),
}
# Whether a question is critical stands beside it, where a narrow window shows it too.
WORDS = ("question", "critical", "expected", "topic", "language", "split")
LISTS = ("expected_facts", "guidelines")
MOST_CLASHES = 20
_ = session.text


def show(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    _take_up(dataset)
    edits = _edits(dataset)
    lines = editing.apply(rows, edits)
    if not lines:
        st.info(_("This dataset has no questions. Type one into the grid, or bring some under “Add questions”."))
    _show_clashes(rows, edits)
    shown = _show_filters(dataset, lines)
    _show_grid(workspace, dataset, shown)
    _show_buttons(workspace, dataset, shown, edits)
    _show_one(shown)


def _show_filters(dataset: Dataset, lines: list[Row]) -> list[Row]:
    """The rows of the chosen page; moving on takes along what was typed on this one."""
    state, key = st.session_state, _key(dataset)
    words, only, page = (state.get(f"{key}-{name}") for name in ("words", "only", "page"))
    found = editing.search(lines, words or "", only or "")
    pages = max(1, -(-len(found) // PAGE))
    page = min(page or 1, pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            _("Search"),
            key=f"{key}-words",
            icon=":material/search:",
            placeholder=_("Words of the question, answer or topic"),
            on_change=_move,
            args=(dataset, shown),
        )
        st.selectbox(
            _("Show"),
            list(ONLY),
            format_func=lambda one: _(ONLY[one]),
            key=f"{key}-only",
            width=260,
            on_change=_move,
            args=(dataset, shown),
        )
        st.toggle(_("Facts and guidelines too"), key=f"{key}-lists", on_change=_keep, args=(dataset, shown))
    if len(found) < len(lines):
        st.caption(_("{found} of {n} {n:question|questions}", found=len(found), n=len(lines)))
    if pages > 1:
        state[f"{key}-page"] = page
        st.pagination(pages, key=f"{key}-page", on_change=_keep, args=(dataset, shown))
    return shown


def _show_grid(workspace: Workspace, dataset: Dataset, shown: list[Row]) -> None:
    lists = LISTS if st.session_state.get(f"{_key(dataset)}-lists") else ()
    turns = any(row.messages for row in shown)
    lines = [
        {name: getattr(row, name) for name in WORDS}
        | {name: list(getattr(row, name)) for name in lists}
        | ({"turns": len(row.messages) or None} if turns else {})
        for row in shown
    ]
    columns = [*WORDS, *lists, *(["turns"] if turns else [])]
    st.data_editor(
        pd.DataFrame(lines, columns=columns).astype({"critical": object}),
        num_rows="dynamic",
        hide_index=True,
        placeholder="",
        disabled=True if not audit.allowed(workspace, Verb.SAVE_DATASET) else ["turns"],
        key=grid(dataset),
        on_change=_remember,
        args=(dataset, shown),
        height="content" if len(shown) <= 12 else 480,
        column_config={
            "question": st.column_config.TextColumn(_("Question"), width="large"),
            "expected": st.column_config.TextColumn(_("Expected answer"), width="medium"),
            "critical": st.column_config.CheckboxColumn(_("Critical"), default=False, width="small"),
            "topic": st.column_config.TextColumn(_("Topic"), default="", width="small"),
            "language": st.column_config.SelectboxColumn(
                _("Language"),
                options=_languages(shown),
                default="",
                width="small",
                format_func=lambda code: language_name(str(code)),
            ),
            "split": st.column_config.TextColumn(
                _("Part"), default="", width="small", help=_("Such as train or test: see “Check-up”.")
            ),
            "expected_facts": st.column_config.ListColumn(_("Expected facts"), width="medium"),
            "guidelines": st.column_config.ListColumn(_("Guidelines"), width="medium"),
            "turns": st.column_config.NumberColumn(
                _("Messages"), width="small", help=_("A conversation: the question is its last message.")
            ),
        },
    )
    st.caption(
        _("A critical question that passed before and fails now stops a release. An empty question is a valid test.")
    )


def _languages(shown: Sequence[Row]) -> list[str]:
    """Those that the console speaks, and those that are there already."""
    return ["", *dict.fromkeys([*LANGUAGES, *(row.language for row in shown if row.language)])]


def _show_buttons(workspace: Workspace, dataset: Dataset, shown: list[Row], edits: Edits) -> None:
    may_save = audit.allowed(workspace, Verb.SAVE_DATASET)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Save changes"),
            type="primary",
            key="save",
            on_click=_save,
            args=(workspace, dataset, shown),
            disabled=not may_save,
        )
        if edits.n:
            st.button(_("Discard my changes"), key="discard", on_click=_discard, args=(dataset,))
            st.caption(_("Not saved yet, from here and other pages: {n}", n=edits.n))


def _show_clashes(rows: list[Row], edits: Edits) -> None:
    found = editing.clashes(rows, edits)
    if not found:
        return
    st.warning(
        _(
            "Somebody saved this dataset while you worked. Your changes are kept in the grid below; {n} questions were "
            "changed by both. Saving puts your cells in place of theirs.",
            n=len(found),
        )
    )
    lines = []
    for clash in found[:MOST_CLASHES]:
        for name in editing.CELLS:
            before, theirs, mine = (_cell(row, name) for row in (clash.before, clash.theirs, clash.mine))
            if theirs != before or mine != before:
                lines.append((clash.before.question, _(difference_name(name)), before, theirs, mine))
    names = [_("Question"), _("Column"), _("Before"), _("Saved meanwhile"), _("Yours")]
    st.dataframe(pd.DataFrame(lines, columns=names), hide_index=True)


def difference_name(field: str) -> str:
    """What a column is called."""
    from services.datasets.incoming import FIELDS

    return FIELDS[field]


def _cell(row: Row | None, name: str) -> str:
    return _("(deleted)") if row is None else difference.text(getattr(row, name))


def _show_one(shown: list[Row]) -> None:
    """A conversation in full, and where a question came from: a cell has no room for either."""
    told = {row.id: row for row in shown if row.messages or row.source}
    if not told:
        return
    with st.expander(_("Conversations and where questions came from")):
        labels = choices.apart({id: row.question[:120] for id, row in told.items()})
        chosen = st.selectbox(_("Question"), list(labels), format_func=labels.__getitem__, key="read-one")
        for message in told[chosen].messages:
            with st.chat_message("assistant" if message["role"] == "assistant" else "user"):
                st.text(message["content"])
        if told[chosen].source:
            st.page_link(
                session.page("traces"),
                label=_("Open the trace it came from"),
                icon=":material/timeline:",
                query_params={"trace": told[chosen].source},
            )


# A click may overtake what was just typed: callbacks read the grid, not what the last run saw.


def grid(dataset: Dataset) -> str:
    """The grid's key; other rows get a fresh grid."""
    turn = st.session_state.get(f"{_key(dataset)}-turn", 0)
    return f"grid-{dataset.id}-{dataset.updated_at.timestamp()}-{turn}"


def _key(dataset: Dataset) -> str:
    return f"questions-{dataset.id}"


def _edits(dataset: Dataset) -> Edits:
    found: Edits = st.session_state.get(f"{_key(dataset)}-edits", Edits())
    return found


def _remember(dataset: Dataset, shown: list[Row]) -> None:
    """Streamlit forgets a grid when its screen is left; this copy does not."""
    st.session_state[f"{_key(dataset)}-open"] = (grid(dataset), shown, dict(st.session_state[grid(dataset)]))


def _take_up(dataset: Dataset) -> None:
    """Bring back what was typed before the screen was left, or before somebody else saved."""
    left = st.session_state.get(f"{_key(dataset)}-open")
    if left and (left[0] not in st.session_state or left[0] != grid(dataset)):
        _fold(dataset, left[1], left[2])


def _keep(dataset: Dataset, shown: list[Row]) -> None:
    if grid(dataset) in st.session_state:
        _fold(dataset, shown, st.session_state[grid(dataset)])


def _move(dataset: Dataset, shown: list[Row]) -> None:
    """Other rows are looked for: what was typed is kept, and the first page is shown."""
    _keep(dataset, shown)
    st.session_state.pop(f"{_key(dataset)}-page", None)


def _fold(dataset: Dataset, shown: list[Row], changes: object) -> None:
    state, key = st.session_state, _key(dataset)
    state[f"{key}-edits"] = editing.fold(_edits(dataset), shown, dict(changes))  # type: ignore[call-overload]  # a grid's state
    state[f"{key}-turn"] = state.get(f"{key}-turn", 0) + 1
    state.pop(f"{key}-open", None)


def _save(workspace: Workspace, dataset: Dataset, shown: list[Row]) -> None:
    _keep(dataset, shown)
    with feedback.action(Message("Saved {name}.", name=dataset.name)) as click:
        rows = editing.apply(datasets.rows(workspace, dataset.id), _edits(dataset))
        writing.save(workspace, dataset, rows, click)
        _discard(dataset)


def _discard(dataset: Dataset) -> None:
    state, key = st.session_state, _key(dataset)
    for name in ("edits", "open"):
        state.pop(f"{key}-{name}", None)
    state[f"{key}-turn"] = state.get(f"{key}-turn", 0) + 1
