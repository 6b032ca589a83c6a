"""The archive that a workspace keeps: switched on and off here, read by its SQL warehouse."""

import streamlit as st

from pages.components import feedback, session
from pages.components.archive import controls, drawn
from services import audit, connection
from services.audit import Verb
from services.messages import Message
from services.platforms.databricks import archiving, queries
from services.platforms.databricks.archiving import Archive
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    st.header(_("Archive of the traces"), anchor=False)
    st.caption(
        _(
            "A job of the workspace copies every trace into a table of the catalog, for the long term and for SQL. The "
            "traces stay where they are, too."
        )
    )
    # Asked for by a click: the screen above must not wait for the workspace.
    if not st.toggle(_("Show how the archive is"), key="show-archive"):
        return
    now = archiving.state(workspace)
    if now.on:
        _running(workspace, now)
    else:
        _offer(workspace, now)
    if now.columns is not None:
        drawn.show(workspace, now)
    if now.table:
        _queries(now)


def _offer(workspace: Workspace, now: Archive) -> None:
    may = audit.allowed(workspace, Verb.START_ARCHIVE)
    if now.table:
        st.info(_("It is off. The table {table} keeps what it has.", table=session.escape(now.table)))
    schema = connection.place(workspace).full_schema
    if not schema:
        st.info(_("Choose a catalog and a schema on the Connection screen first."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            _("Table in {schema}", schema=session.escape(schema)),
            now.table.rpartition(".")[2] or archiving.suggested(workspace),
            key=controls.key(workspace, "table"),
            disabled=not may,
        )
        controls.start(workspace, _start)


def _running(workspace: Workspace, now: Archive) -> None:
    if not now.table:
        st.info(_("Somebody switched it on outside the console. Tell the name of its table to have the queries here."))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(_("Table"), key=controls.key(workspace, "named"), placeholder="catalog.schema.table")
            st.button(_("Save"), key="name-archive", on_click=_name, args=(workspace,))
    elif now.waiting:
        st.info(
            _(
                "It is on. The table {table} is not there yet: it comes with the first run of the job, within about a "
                "quarter of an hour. Nothing is wrong.",
                table=session.escape(now.table),
            ),
            icon=":material/hourglass_top:",
        )
    else:
        st.success(
            _("It is on, and the table {table} is there.", table=session.escape(now.table)),
            icon=":material/check_circle:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        controls.stop(workspace, _stop, kept=_("The table keeps what it has."))
        if now.table_page:
            st.link_button(_("Open the table in Databricks"), now.table_page, icon=":material/open_in_new:")
        if now.job_page:
            st.link_button(_("Open its job in Databricks"), now.job_page, icon=":material/open_in_new:")


def _queries(now: Archive) -> None:
    with st.expander(_("SQL for the warehouse")):
        if now.columns is None:
            st.caption(_("Until the table is there, they answer that it is missing."))
        st.markdown("**" + _("The newest rows") + "**")
        st.code(queries.first_rows(now), language=None, wrap_lines=True)
        by_day = queries.by_day(now)
        if by_day:
            st.markdown("**" + _("Traces by day") + "**")
            st.code(by_day, language=None, wrap_lines=True)
        rates = queries.pass_rates(now)
        if rates:
            st.markdown("**" + _("Each scorer's pass rate by day") + "**")
            st.code(rates, language=None, wrap_lines=True)
        elif now.columns is not None:
            st.caption(_("This workspace names the table's columns in another way: “SELECT *” shows them."))


def _start(workspace: Workspace) -> None:
    with feedback.action(Message("The archive is on. Its table comes with the first run.")):
        archiving.start(workspace, st.session_state[controls.key(workspace, "table")].strip())


def _name(workspace: Workspace) -> None:
    with feedback.action(Message("Saved the table's name.")):
        archiving.name_table(workspace, st.session_state[controls.key(workspace, "named")].strip())


def _stop(workspace: Workspace) -> None:
    with feedback.action(Message("The archive is off. The table keeps what it has.")):
        archiving.stop(workspace)
