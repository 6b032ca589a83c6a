"""The rows of an evaluation as a table; a click opens one."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import session, tables
from pages.components.evaluations import address, titles
from services.evaluations import Evaluation, browsing, reading
from services.evaluations.browsing import RowFilter
from services.messages import Message, language_name, mark, render

_, say = session.text, session.say
# The longest heading that a narrow column shows whole.
SHORT = 9
PARTS = {"topic": mark("Topic"), "language": mark("Language"), "split": mark("Part")}


def show(
    made: Evaluation,
    chosen: pd.DataFrame,
    total: int,
    kinds: Mapping[str, str],
    asked: RowFilter,
    before: pd.DataFrame | None = None,
) -> None:
    """The chosen rows; `before` has those of the evaluation that it is compared with."""
    if chosen.empty:
        st.info(_("No question fits these filters."))
        return
    table, headings = drawn(chosen, kinds, asked, before)
    _foot(made, table, headings, total, chosen, kinds)
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode=tables.CLICK_OR_ONE,
        key=f"rows-{made.run_id}",
        height=min(35 * (len(table) + 1) + 3, 640),
        column_config={name: _column(name, heading, name in kinds) for name, heading in headings.items()},
    )
    for position in tables.chosen(event, len(chosen)):
        address.open_row(str(chosen["row_id"].iloc[position]))
        st.rerun()


def drawn(
    chosen: pd.DataFrame, kinds: Mapping[str, str], asked: RowFilter, before: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table and its headings in the reader's language; columns that would be empty are left out."""
    headings = {"question": _("Question")}
    table = pd.DataFrame({"question": chosen["question"].map(tables.cell)})
    earlier = None
    if before is not None:
        earlier = before.drop_duplicates("row_id").set_index("row_id").reindex(chosen["row_id"]).set_index(chosen.index)
    # Verdicts stand next to the question: answers are long, and push what follows them out of sight.
    for name, kind in kinds.items():
        table[name], headings[name] = verdicts(chosen, name, kind, earlier), name
    if earlier is not None:
        table["before"], headings["before"] = _answers(earlier).fillna(""), _("Answer before")
    table["answer"], headings["answer"] = _answers(chosen), _("Answer") if earlier is None else _("Answer now")
    table["why"], headings["why"] = _whys(chosen, kinds, asked), _("Why")
    tokens = chosen["input_tokens"].fillna(0) + chosen["output_tokens"].fillna(0)
    table["seconds"], headings["seconds"] = chosen["seconds"].round(2), _("Seconds")
    if chosen[["input_tokens", "output_tokens"]].notna().any(axis=None):
        table["tokens"], headings["tokens"] = tokens.astype("Int64"), _("Tokens")
    if chosen["cost"].notna().any():
        money = session.workspace().app.money
        table["cost"], headings["cost"] = chosen["cost"] * money.rate, _("Cost ({currency})", currency=money.sign)
    for name, label in PARTS.items():
        if chosen[name].astype(bool).any():
            values = chosen[name].map(language_name) if name == "language" else chosen[name]
            table[name], headings[name] = values, _(label)
    if chosen["critical"].astype(bool).any():
        table["critical"], headings["critical"] = chosen["critical"].astype(bool), _("Critical")
    return table, headings


def _answers(table: pd.DataFrame) -> pd.Series:
    """What was answered, or why there is no answer."""
    return table["answer"].where(table["state"].eq("OK"), table["error"]).map(tables.cell, na_action="ignore")


def verdicts(table: pd.DataFrame, name: str, kind: str, earlier: pd.DataFrame | None = None) -> list[str]:
    """Each row's verdict as a sign; compared, what it was and what it is where that changed."""
    now = _cells(table, name, kind)
    if earlier is None or name not in earlier:
        return now
    known = earlier["state"].notna()
    was = _cells(earlier.assign(**{f"{name}.error": earlier[f"{name}.error"].fillna("")}), name, kind)
    return [f"{old} → {new}" if there and old != new else new for there, old, new in zip(known, was, now, strict=True)]


def _cells(table: pd.DataFrame, name: str, kind: str) -> list[str]:
    shares = table.get(f"{name}.share", pd.Series(None, index=table.index, dtype=object))
    found = browsing.states(table, name, kind)
    return [titles.cell(*one) for one in zip(found, table[name], shares, strict=True)]


def _whys(chosen: pd.DataFrame, kinds: Mapping[str, str], asked: RowFilter) -> list[str]:
    """The reasons of the scorer asked for, else of those that did not pass, else of all."""
    found = {name: list(browsing.states(chosen, name, kind)) for name, kind in kinds.items()}
    lines = []
    for position, row in enumerate(chosen.to_dict("records")):
        against = [name for name in kinds if found[name][position] in (browsing.FAILED, browsing.ERRED)]
        wanted = [asked.scorer] if asked.scorer in kinds else against or list(kinds)
        reasons = [(name, say(reading.reason(row, name))) for name in wanted]
        lines.append(tables.cell("  ".join(f"{name}: {reason}" for name, reason in reasons if reason)))
    return lines


def _file(chosen: pd.DataFrame, kinds: dict[str, str], headings: dict[str, str], why: str, language: str) -> bytes:
    """The chosen rows in full; made on demand, outside of the screen, hence the language."""
    found, titles_of = chosen.copy(), {name: title for name, title in headings.items() if name in chosen}
    for name, kind in kinds.items():
        states = browsing.states(chosen, name, kind)
        words = {state: render(Message(id), language) for state, id in browsing.VERDICTS.items()}
        found[name] = [words.get(state, value) for state, value in zip(states, chosen[name], strict=True)]
        reasons = [
            " ".join(
                part for part in (render(reading.reason(row, name), language), reading.own_words(row, name)) if part
            )
            for row in chosen.to_dict("records")
        ]
        found[f"{name}.why"], titles_of[f"{name}.why"] = reasons, f"{name}: {why}"
    return browsing.csv(found, titles_of)


def _foot(
    made: Evaluation,
    table: pd.DataFrame,
    headings: Mapping[str, str],
    total: int,
    chosen: pd.DataFrame,
    kinds: Mapping[str, str],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _(
                "Shown: {n} of {rows} {rows:question|questions}. ✓ passed, ✗ not passed, – no verdict, ! the scorer failed. Choose a row to "
                "read it.",
                n=len(table),
                rows=total,
            ),
            width="stretch",
        )
        st.download_button(
            _("Download as CSV"),
            partial(_file, chosen, dict(kinds), dict(headings), _("Why"), session.language()),
            file_name=f"evaluation-{made.created_at:%Y-%m-%d-%H%M}.csv",
            mime="text/csv",
            icon=":material/download:",
            key="rows-csv",
            on_click="ignore",
        )


def _column(name: str, heading: str, scorer: bool) -> Any:
    if name in ("answer", "why"):
        return st.column_config.TextColumn(heading, width="large" if name == "answer" else "medium")
    if name in ("question", "before"):
        return st.column_config.TextColumn(heading, width="medium")
    if name == "seconds":
        return st.column_config.NumberColumn(heading, format="%.2f", width="small")
    if name == "cost":
        return st.column_config.NumberColumn(heading, format="%.5f", width="small")
    return st.column_config.Column(heading, width="small" if scorer and len(heading) <= SHORT else None)
