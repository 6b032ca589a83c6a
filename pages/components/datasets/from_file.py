"""Questions from a file: map the columns, see what would come of each line, then write it."""

import hashlib

import pandas as pd
import streamlit as st

from pages.components import feedback, session, tables
from pages.components.datasets import opening, writing
from services import audit
from services.audit import Verb
from services.datasets import Dataset, Row, difference, incoming
from services.datasets.incoming import Incoming, Sheet
from services.datasets.incoming.mapping import is_record
from services.errors import ConsoleError
from services.messages import Message, language_name
from services.workspace import Workspace

TYPES = ["csv", "tsv", "txt", "jsonl", "ndjson", "json", "xlsx"]
SHOWN = 20
MOST_BAD = 200
NONE = ""
_ = session.text


def show(workspace: Workspace, target: Dataset | None, rows: list[Row], name_key: str) -> None:
    """`name_key` is the field that names a new dataset."""
    stem = f"file-{workspace.app.id}-{target.id if target else 'new'}"
    file = st.file_uploader(
        _("A file with one question per line"), TYPES, key=stem, max_upload_size=incoming.LARGEST // 1_000_000
    )
    st.caption(
        _(
            "CSV, JSONL or Excel (.xlsx), up to {n} MB. The first line names the columns; nothing is written before you confirm.",
            n=incoming.LARGEST // 1_000_000,
        )
    )
    if file is None:
        return
    try:
        sheet = _read(stem, file.name, file.getvalue())
    except ConsoleError as error:
        feedback.show_error(error)
        return
    found = incoming.rows_of(sheet, _choose(stem, sheet))
    if not {"question", "messages"} & found.fields:
        st.info(_("No line is a question yet. Choose the column that holds the questions."))
        return
    _show_found(found)
    _show_bad(found)
    _show_button(workspace, target, rows, found, name_key)


def _read(stem: str, name: str, data: bytes) -> Sheet:
    """The sheet, read once: every click draws it again."""
    encoding = st.session_state.get(f"{stem}-encoding") or None
    mark = (hashlib.sha256(data).hexdigest(), encoding)
    known = st.session_state.get(f"{stem}-sheet")
    if known is None or known[0] != mark:
        known = st.session_state[f"{stem}-sheet"] = (mark, incoming.read(name, data, encoding))
    sheet: Sheet = known[1]
    return sheet


def _choose(stem: str, sheet: Sheet) -> dict[str, str]:
    """The column of each field, guessed by its name and changed by hand."""
    if sheet.encoding:
        st.selectbox(
            _("Letters are read as"),
            [None, *incoming.ENCODINGS],
            format_func=lambda one: (
                incoming.ENCODINGS[one] if one else f"{incoming.ENCODINGS[sheet.encoding]} ({_('found')})"
            ),
            key=f"{stem}-encoding",
            help=_("Change this when letters below look wrong."),
            width=320,
        )
    if is_record(sheet):
        st.caption(_("These are records as MLflow keeps them; no columns need to be chosen."))
        return {}
    guessed = incoming.guess(sheet.columns)
    st.markdown(_("**Which column means what**"))
    places = st.columns(3)
    chosen = {}
    for place, (field, label) in enumerate(incoming.FIELDS.items()):
        options = [NONE, *sheet.columns]
        chosen[field] = places[place % 3].selectbox(
            _(label),
            options,
            index=options.index(guessed.get(field, NONE)),
            format_func=lambda one: one or _("(not in the file)"),
            key=f"{stem}-{field}-{hashlib.sha256(repr(sheet.columns).encode()).hexdigest()[:8]}",
        )
    return {field: column for field, column in chosen.items() if column}


def _show_found(found: Incoming) -> None:
    st.markdown(_("**What would be written** (the first {n})", n=min(SHOWN, len(found.rows))))
    if not found.rows:
        st.info(_("No line can be taken as a question."))
        return
    fields = [field for field in incoming.FIELDS if field in found.fields and field != "messages"]
    lines = [[_cell(row, field) for field in fields] for row in found.rows[:SHOWN]]
    st.dataframe(pd.DataFrame(lines, columns=[_(incoming.FIELDS[field]) for field in fields]), hide_index=True)


def _cell(row: Row, field: str) -> str:
    return language_name(row.language) if field == "language" else tables.cell(difference.text(getattr(row, field)))


def _show_bad(found: Incoming) -> None:
    if not found.bad:
        return
    st.warning(
        _(
            "{n} {n:line|lines} cannot be taken. The others can be; or mend the file and choose it again.",
            n=len(found.bad),
        )
    )
    lines = [(bad.line, session.say(bad.reason), bad.start) for bad in found.bad[:MOST_BAD]]
    st.dataframe(pd.DataFrame(lines, columns=[_("Line"), _("Why"), _("It begins with")]), hide_index=True)


def _show_button(workspace: Workspace, target: Dataset | None, rows: list[Row], found: Incoming, name_key: str) -> None:
    update = False
    if target is not None:
        update = st.toggle(
            _("Update questions that are there already"),
            key=f"file-update-{target.id}",
            help=_("What the file says about them replaces what stands here; columns that it lacks stay as they are."),
        )
    merged = incoming.merge(rows if target else [], found, update=update)
    if target is not None:
        st.caption(
            _(
                "new: {new} · changed: {changed} · as they are: {same}",
                new=merged.new,
                changed=merged.changed,
                same=merged.same,
            )
        )
    st.button(
        _("Write {n} {n:question|questions}", n=merged.new + merged.changed),
        type="primary",
        key="write-file",
        on_click=_write,
        args=(workspace, target, list(merged.rows), name_key),
        disabled=not merged.new + merged.changed or not audit.allowed(workspace, Verb.SAVE_DATASET),
    )


def _write(workspace: Workspace, target: Dataset | None, rows: list[Row], name_key: str) -> None:
    name = target.name if target else st.session_state[name_key]
    with feedback.action(Message("Saved {name}: {n} {n:question|questions}.", name=name, n=len(rows))) as click:
        if target is None:
            opening.open_dataset(writing.create(workspace, name, rows, click))
        else:
            writing.save(workspace, target, rows, click)
            opening.open_dataset(target.id)
