"""Questions that are offered and not written yet: each is taken or left, and may be changed before."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.components import session
from services.datasets import Row

_ = session.text


def show(key: str, rows: Sequence[Row], notes: Sequence[str], note: str, *, taken: bool) -> list[Row]:
    """The rows that are ticked, with their questions as edited; `notes` tell something about each."""
    lines = [
        {"take": taken, "question": row.question, "expected": row.expected, "note": said}
        for row, said in zip(rows, notes, strict=True)
    ]
    edited = st.data_editor(
        pd.DataFrame(lines, columns=["take", "question", "expected", "note"]),
        hide_index=True,
        num_rows="fixed",
        placeholder="",
        key=key,
        disabled=["note"],
        height="content" if len(rows) <= 12 else 480,
        column_config={
            "take": st.column_config.CheckboxColumn(_("Take"), width="small"),
            "question": st.column_config.TextColumn(_("Question"), width="large"),
            "expected": st.column_config.TextColumn(_("Expected answer"), width="medium"),
            "note": st.column_config.TextColumn(note, width="medium"),
        },
    )
    return [
        replace(row, question=line["question"] or "", expected=line["expected"] or "")
        for row, line in zip(rows, edited.to_dict("records"), strict=True)
        if line["take"]
    ]
