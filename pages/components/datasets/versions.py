"""Every content the dataset had when it was saved or used: what changed, and a way back."""

import difflib
import html
import re
from collections.abc import Iterable

import pandas as pd
import streamlit as st

from pages.components import feedback, session
from pages.components.datasets import writing
from services import audit, datasets
from services.audit import Verb
from services.datasets import Dataset, KeptVersion, Row, difference
from services.datasets.difference import Changed, Difference
from services.datasets.incoming import FIELDS
from services.messages import Message
from services.workspace import Workspace

MOST_SHOWN = 50
LONGEST = 1_000
PIECE = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+|.", re.DOTALL)
OUT = "background:rgba(255,75,75,.22);text-decoration:line-through"
IN = "background:rgba(33,195,84,.25);text-decoration:none"
_ = session.text


def show(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    found = datasets.history(workspace, dataset.id)
    if not found:
        st.info(_("No version is kept yet. Each time this dataset is saved or used, its content is kept for good."))
        return
    lines = [(_title(one), one.rows, session.moment(one.at), _who(one)) for one in found]
    st.dataframe(
        pd.DataFrame(lines, columns=[_("Version"), _("Questions"), _("When"), _("Who")]),
        hide_index=True,
        height="content" if len(lines) <= 8 else 320,
    )
    if len(found) < 2:
        st.caption(_("What changed can be read here as soon as there is a second version."))
        return
    by_number = {one.number: one for one in found}
    left, right = st.columns(2)
    before = left.selectbox(
        _("From version"),
        list(by_number),
        index=1,
        format_func=lambda n: _title(by_number[n]),
        key=f"from-{dataset.id}",
    )
    after = right.selectbox(
        _("To version"),
        list(by_number),
        format_func=lambda n: _title(by_number[n]),
        key=f"to-{dataset.id}-{len(found)}",
    )
    _show_difference(workspace, by_number[before], by_number[after])
    _show_restore(workspace, dataset, by_number[before])


def _title(one: KeptVersion) -> str:
    return _("Version {n} (as it is now)", n=one.number) if one.current else _("Version {n}", n=one.number)


def _who(one: KeptVersion) -> str:
    return _("another tool; noticed when it was used") if one.outside else one.actor


def _show_difference(workspace: Workspace, before: KeptVersion, after: KeptVersion) -> None:
    found = _between(workspace, before.sha256, after.sha256)
    counts = [
        _("added: {n}", n=len(found.added)),
        _("removed: {n}", n=len(found.removed)),
        _("changed: {n}", n=len(found.changed)),
        _("unchanged: {n}", n=found.same),
    ]
    st.markdown(" · ".join(counts))
    if found.changed:
        st.markdown(_("**Changed**"))
        for one in found.changed[:MOST_SHOWN]:
            _show_changed(one)
    _show_rows(_("**Added**"), found.added)
    _show_rows(_("**Removed**"), found.removed)


def _between(workspace: Workspace, before: str, after: str) -> Difference:
    """What is kept under a hash never changes: compared once, not at every click."""
    known = st.session_state.get("dataset-difference")
    if known is None or known[0] != (workspace.app.id, before, after):
        found = difference.between(datasets.rows_of(workspace, before), datasets.rows_of(workspace, after))
        known = st.session_state["dataset-difference"] = ((workspace.app.id, before, after), found)
    kept: Difference = known[1]
    return kept


def _show_changed(one: Changed) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(session.escape(one.row.question[:200]) or _("(an empty question)"))
        for cell in one.cells:
            st.caption(_(FIELDS[cell.field]))
            st.html(_marked(cell.before, cell.after))


def _marked(before: str, after: str) -> str:
    """What was taken out and what was put in: words, and in Japanese, which has no blanks, letters."""
    old, new = (PIECE.findall(text[:LONGEST]) for text in (before, after))
    drawn = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        out, put = (html.escape("".join(pieces)) for pieces in (old[a:b], new[c:d]))
        if kind == "equal":
            drawn.append(out)
            continue
        drawn += [f'<del style="{OUT}">{out}</del>'] if out else []
        drawn += [f'<ins style="{IN}">{put}</ins>'] if put else []
    return f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{"".join(drawn)}</div>'


def _show_rows(title: str, rows: Iterable[Row]) -> None:
    lines = [(row.question, row.expected, row.topic) for row in rows]
    if not lines:
        return
    st.markdown(title)
    if len(lines) > MOST_SHOWN:
        st.caption(_("the first {n}", n=MOST_SHOWN))
    names = [_("Question"), _("Expected answer"), _("Topic")]
    st.dataframe(pd.DataFrame(lines[:MOST_SHOWN], columns=names), hide_index=True)


def _show_restore(workspace: Workspace, dataset: Dataset, chosen: KeptVersion) -> None:
    if chosen.current:
        return
    st.button(
        _("Restore version {n}", n=chosen.number),
        icon=":material/history:",
        key="restore",
        on_click=_restore,
        args=(workspace, dataset, chosen),
        disabled=not audit.allowed(workspace, Verb.SAVE_DATASET),
        help=_("Its content becomes the newest version; what stands there now stays in this list."),
    )


def _restore(workspace: Workspace, dataset: Dataset, chosen: KeptVersion) -> None:
    with feedback.action(
        Message("{name} has the content of version {n} again.", name=dataset.name, n=chosen.number)
    ) as click:
        writing.save(workspace, dataset, datasets.restored(workspace, dataset.id, chosen.sha256), click)
