"""The documents that a new agent answers from: a file, what its columns are, and what was understood."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import feedback, session, tables
from services import audit
from services.agents import documents, shipping
from services.agents.documents import ROW, Columns, Documents, Table
from services.audit import Verb
from services.errors import ConsoleError
from services.workspace import Workspace

_ = session.text
SHOWN = 5


def show(workspace: Workspace) -> Documents | None:
    """The fields, a preview, and what was understood; None without a file and for one that cannot be used."""
    st.caption(
        _(
            "The agent looks up the few documents that share the most telling words with a question, gives them to the "
            "model, and names them under its answer. They travel with the agent version."
        )
    )
    if workspace.app.sample:
        st.toggle(_("Use the knowledge file of the sample"), key=_key(workspace, "sample"))
    if not st.session_state.get(_key(workspace, "sample")):
        st.file_uploader(
            _("File with documents"),
            type=list(documents.TYPES),
            key=_key(workspace, "file"),
            max_upload_size=documents.LARGEST // 1024 // 1024,
            disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
        )
        st.caption(
            _(
                "CSV or JSONL with a document in each row; Markdown or text is cut at its headings and paragraphs. "
                "Up to {n} MB.",
                n=documents.LARGEST // 1024 // 1024,
            )
        )
    try:
        read = _read(workspace)
        if read is None:
            return None
        chosen = documents.choose(read, _show_columns(workspace, read))
    except ConsoleError as error:
        feedback.show_error(error)
        return None
    _show_understood(chosen)
    return chosen


def kept(workspace: Workspace) -> Mapping[str, Any] | None:
    """For the click that logs the agent: what `AgentForm.documents` takes; raises InvalidInputError."""
    read = _read(workspace)
    return shipping.keep(workspace, documents.choose(read, _columns(workspace, read))) if read else None


def _key(workspace: Workspace, name: str) -> str:
    return f"agent-documents-{name}/{workspace.app.id}"


def _token(workspace: Workspace) -> str | None:
    """Which file stands there now: another one gets guesses of its own."""
    if st.session_state.get(_key(workspace, "sample")):
        return "sample"
    file = st.session_state.get(_key(workspace, "file"))
    return str(file.file_id) if file else None


def _read(workspace: Workspace) -> Table | None:
    """The file that stands there now, read once."""
    token, place = _token(workspace), _key(workspace, "read")
    if token is None:
        return None
    known, read = st.session_state.get(place, (None, None))
    if known != token:
        file: Any = st.session_state.get(_key(workspace, "file"))
        read = documents.of_sample(workspace) if token == "sample" else documents.read(file.name, file.getvalue())
        st.session_state[place] = (token, read)
    return read


def _field(workspace: Workspace, name: str) -> str:
    return f"{_key(workspace, name)}/{_token(workspace)}"


def _columns(workspace: Workspace, read: Table) -> Columns:
    """The fields as they stand now. A click may overtake what was just chosen: they are read by key."""
    guessed, said = documents.guess(read), st.session_state
    names = ("name", "text_column", "primary_key", "title_column", "doc_uri", "other_columns")
    fields = {name: said[_field(workspace, name)] for name in names if _field(workspace, name) in said}
    typed = {"name": str(fields["name"]).strip()} if "name" in fields else {}
    others = {"other_columns": tuple(fields["other_columns"])} if "other_columns" in fields else {}
    return replace(guessed, **{**fields, **typed, **others})


def _show_columns(workspace: Workspace, read: Table) -> Columns:
    guessed = documents.guess(read)
    st.text_input(_("Name of the documents"), guessed.name, key=_field(workspace, "name"))
    left, right = st.columns(2)
    with left:
        _choose(workspace, read, "text_column", _("Text"), guessed.text_column)
        _choose(workspace, read, "title_column", _("Title"), guessed.title_column, empty=_("how the text begins"))
    with right:
        _choose(workspace, read, "primary_key", _("Key, different in every row"), guessed.primary_key)
        _choose(workspace, read, "doc_uri", _("Address that readers can open"), guessed.doc_uri, empty=_("none"))
    chosen = _columns(workspace, read)
    taken = {chosen.text_column, chosen.primary_key, chosen.doc_uri, chosen.title_column, ROW}
    rest = [column for column in read.columns if column not in taken]
    if rest:
        st.multiselect(
            _("Other columns to keep in traces"),
            rest,
            key=_field(workspace, "other_columns"),
            placeholder=_("Choose one or more"),
        )
    return _columns(workspace, read)


def _choose(
    workspace: Workspace, read: Table, name: str, label: str, guessed: str | None, empty: str | None = None
) -> None:
    said: dict[str | None, str] = {None: empty} if empty else {}
    said |= {column: _("the number of the row") if column == ROW else column for column in read.columns}
    options = list(said)
    st.selectbox(label, options, options.index(guessed), format_func=said.__getitem__, key=_field(workspace, name))


def _show_understood(chosen: Documents) -> None:
    columns = chosen.columns
    told = {name: session.escape(value) for name, value in vars(columns).items() if isinstance(value, str)}
    key = _("the number of the row") if columns.primary_key == ROW else f"“{told['primary_key']}”"
    st.markdown(
        _(
            "{n} documents were understood. The text stands in “{text}”; each document is known by {key}. "
            "{addresses} of them have an address that readers can open.",
            n=len(chosen.rows),
            text=told["text_column"],
            key=key,
            addresses=chosen.with_address,
        )
    )
    st.dataframe(
        [{name: tables.cell(value) for name, value in row.items()} for row in chosen.rows[:SHOWN]], hide_index=True
    )
    if len(chosen.rows) > SHOWN:
        st.caption(_("The first {shown} of {n}.", shown=SHOWN, n=len(chosen.rows)))
