"""Who did what, when and why; whether the log is whole; lines to take along."""

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from pages.components import audit_check, audit_filters, audit_lines, screens, session
from services import audit
from services.audit import Verb, exporting, searching
from services.audit.searching import Page

_ = session.text


def show_turning(found: Page) -> None:
    with st.container(horizontal=True):
        newer, older = (found.lines[0].id, found.lines[-1].id)
        st.button(_("Newest"), on_click=audit_filters.turn, disabled=not found.newer, icon=":material/first_page:")
        st.button(
            _("Newer"),
            on_click=audit_filters.turn,
            kwargs={"after": newer},
            disabled=not found.newer,
            icon=":material/chevron_left:",
        )
        st.button(
            _("Older"),
            on_click=audit_filters.turn,
            kwargs={"before": older},
            disabled=not found.older,
            icon=":material/chevron_right:",
        )


workspace = session.workspace()
screens.show_title("audit")
audit.require(workspace, Verb.READ_AUDIT)
audit_check.show(workspace)
audit_filters.show(workspace)
query = audit_filters.query(workspace)
found = searching.search(workspace, query)
if not found.lines and not (query.before or query.after):
    st.info(_("No line fits. Clear a filter, or choose other days."))
    st.stop()
if not found.lines:
    st.info(_("There are no more lines here."))
    st.button(_("Newest"), on_click=audit_filters.turn, icon=":material/first_page:")
    st.stop()
audit_lines.show(found.lines, every_app=query.app is None)
show_turning(found)
language = session.language()
st.download_button(
    _("Take these lines out as CSV"),
    lambda: exporting.to_csv(workspace, replace(query, before=None, after=None), language),
    file_name=f"audit-{datetime.now(UTC):%Y-%m-%d}.csv",
    mime="text/csv",
    icon=":material/download:",
    on_click="ignore",
    disabled=not audit.allowed(workspace, Verb.EXPORT_AUDIT),
    help=_("All pages of what the filters show. The log records who took it out."),
)
