"""An evaluation as it is printed: every row in full, nothing cut at the edge."""

import html
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages.components import session
from pages.components.evaluations import address, rows
from services.evaluations import reading
from services.evaluations.browsing import RowFilter

_, say = session.text, session.say
MOST = 300
STYLE = """
@media print {
 [data-testid=stPageLink], [data-testid=stSelectbox], [data-testid=stMultiSelect], [data-testid=stTextInput],
 [data-testid=stCheckbox], .st-key-paper-head { display: none !important }
 .sb-paper, .sb-diff { max-height: none !important; overflow: visible !important }
 .sb-paper tr { break-inside: avoid }
}
.sb-paper table { width: 100%; border-collapse: collapse; font-size: .85rem; table-layout: fixed }
.sb-paper th, .sb-paper td { border: 1px solid rgba(128,128,128,.4); padding: .3rem .5rem; text-align: start;
 vertical-align: top; overflow-wrap: anywhere; white-space: pre-wrap; font-weight: 400 }
.sb-paper th { font-weight: 600 }
"""


def style() -> None:
    st.html(f"<style>{STYLE}</style>")


def show(chosen: pd.DataFrame, kinds: Mapping[str, str], asked: RowFilter, before: pd.DataFrame | None) -> None:
    """The chosen rows as a plain table, whole texts and every reason."""
    with st.container(horizontal=True, vertical_alignment="center", key="paper-head"):
        st.button(_("Back"), icon=":material/arrow_back:", key="paper-back", on_click=address.show, args=(None,))
        st.caption(_("Print this page with the browser: side bar and buttons stay off the paper."))
    earlier = None if before is None else before.drop_duplicates("row_id").set_index("row_id")
    heads = [_("Question"), *([_("Answer before")] if before is not None else []), _("Answer"), _("Verdicts")]
    lines = [_line(one, kinds, earlier) for one in _signed(chosen.head(MOST), kinds, before)]
    head = "".join(f"<th scope='col'>{html.escape(one)}</th>" for one in heads)
    st.html(f"<div class='sb-paper'><table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>")
    if len(chosen) > MOST:
        st.caption(_("The first {n} of {rows} rows are shown. Choose fewer, or download them as CSV.", n=MOST, rows=len(chosen)))  # fmt: skip


def _signed(chosen: pd.DataFrame, kinds: Mapping[str, str], before: pd.DataFrame | None) -> list[dict[str, object]]:
    table, _headings = rows.drawn(chosen, kinds, RowFilter(), before)
    signs = {name: list(table[name]) for name in kinds}
    return [
        {**one, "_signs": {name: signs[name][position] for name in kinds}}
        for position, one in enumerate(chosen.to_dict("records"))
    ]


def _line(one: dict[str, object], kinds: Mapping[str, str], earlier: pd.DataFrame | None) -> str:
    signs: dict[str, str] = one["_signs"]  # type: ignore[assignment]  # put there above
    reasons = {name: say(reading.reason(one, name)) for name in kinds}
    said = "\n".join(f"{signs[name]} {name}" + (f": {reasons[name]}" if reasons[name] else "") for name in kinds)
    answer = str(one["answer"] if one["state"] == "OK" else one["error"])
    was = []
    if earlier is not None:
        known = one["row_id"] in earlier.index
        was = [str(earlier.at[one["row_id"], "answer"]) if known else ""]
    cells = [str(one["question"]), *was, answer, said]
    return "<tr>" + "".join(f"<td dir='auto'>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
