"""Take a dataset out as a file that can be brought back without loss."""

from datetime import UTC, datetime

import streamlit as st

from pages.components import session
from services.datasets import Dataset, Row, exporting, workbook
from services.workspace import Workspace

_ = session.text
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def show(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    st.caption(
        _(
            "Every question with all that is known about it. Cells that a spreadsheet would run as formulas are written as "
            "text, with a quotation mark before them; “Add questions”, “From a file” takes it away again."
        )
    )
    parts = sorted({row.split for row in rows if row.split})
    if parts:
        part = st.selectbox(
            _("Part"), parts, index=None, placeholder=_("All questions"), key=f"export-part-{dataset.id}", width=260
        )
        rows = [row for row in rows if part in (None, row.split)]
    stem = f"{dataset.name}-{datetime.now(UTC):%Y-%m-%d}"
    too_long = exporting.longest(rows) > workbook.LONGEST_CELL
    with st.container(horizontal=True):
        st.download_button(
            _("CSV: {n} {n:question|questions}", n=len(rows)),
            lambda: exporting.to_csv(rows),
            file_name=f"{stem}.csv",
            mime="text/csv",
            icon=":material/download:",
            key="export-csv",
            on_click="ignore",
            disabled=not rows,
        )
        st.download_button(
            _("Excel: {n} {n:question|questions}", n=len(rows)),
            lambda: exporting.to_excel(rows),
            file_name=f"{stem}.xlsx",
            mime=EXCEL,
            icon=":material/download:",
            key="export-excel",
            on_click="ignore",
            disabled=not rows or too_long,
        )
    if too_long:
        st.caption(_("A text is longer than Excel can hold in a cell; take the CSV."))
