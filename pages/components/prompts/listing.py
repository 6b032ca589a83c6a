"""All prompts of the app: find one by what it says, who wrote it or how it is labelled, and open it."""

from datetime import UTC, datetime

import streamlit as st

from pages.components import feedback, session
from pages.components.prompts import exporting, filters, manage, opening, row
from services import audit
from services.audit import Verb
from services.messages import Message
from services.prompts import drafts, library
from services.prompts.library import Look, Page, Query
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, look: Look) -> None:
    _show_actions(workspace)
    query = filters.asked()
    filters.show(workspace, query)
    found = library.find(workspace, query, look)
    if not found.rows:
        _show_nothing(query)
    else:
        _show_count(found)
    for one in found.rows:
        with st.container(border=True, gap="xxsmall"):
            row.show(one)
    if found.pages > 1:
        _show_pages(workspace, found)
    _show_age(workspace, found)


def show_import(workspace: Workspace) -> None:
    """The way to prompts that stand somewhere else."""
    st.button(
        _("Import"),
        icon=":material/download:",
        key="import",
        on_click=opening.open_import,
        disabled=not audit.allowed(workspace, Verb.SAVE_PROMPT),
    )


def _show_actions(workspace: Workspace) -> None:
    may_write = audit.allowed(workspace, Verb.SAVE_PROMPT)
    with st.container(horizontal=True):
        st.button(
            _("New prompt"),
            icon=":material/add:",
            key="new-prompt",
            type="primary",
            on_click=opening.open_new,
            disabled=not may_write,
        )
        show_import(workspace)
        exporting.button(workspace)
        manage.show_hidden(workspace)
    if may_write and drafts.mine(workspace, "") is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_("You have begun a new prompt and not saved it."), width="content")
            st.button(_("Go on writing"), key="go-on", type="tertiary", on_click=opening.open_new)


def _show_nothing(query: Query) -> None:
    if not query.narrows:
        st.info(_("There is no prompt here. Write one, or import what you have elsewhere."))
        return
    st.info(
        _("Nothing was found. Try fewer or other words.")
        if query.archived
        else _("Nothing was found. Try fewer or other words, or look among the archived prompts too.")
    )
    st.button(_("Show all prompts"), key="show-all", on_click=filters.show_all)


def _show_count(found: Page) -> None:
    st.caption(_("{n} prompts", n=found.total) if found.total != 1 else _("1 prompt"))


def _show_pages(workspace: Workspace, found: Page) -> None:
    key = f"prompts-page-{workspace.app.id}-{found.number}"
    st.pagination(
        found.pages,
        default=found.number,
        key=key,
        on_change=lambda: st.query_params.update({"page": str(st.session_state[key])}),
    )


def _show_age(workspace: Workspace, found: Page) -> None:
    """How old what is shown may be; said only when it is not from this moment."""
    seconds = int((datetime.now(UTC) - found.as_of).total_seconds())
    if found.unread:
        st.caption(_("Older versions are not searched yet in {n} prompts; that takes a minute.", n=found.unread))
    if seconds < 2:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _(
                "New versions are shown at once, whoever made them. Other changes made outside Signalbox, such as labels "
                "of older versions, were last read {n} seconds ago.",
                n=seconds,
            ),
            width="content",
        )
        st.button(
            _("Read now"), key="read-now", type="tertiary", icon=":material/refresh:", on_click=_read, args=(workspace,)
        )


def _read(workspace: Workspace) -> None:
    with feedback.action(Message("Everything was read again.")):
        library.refresh_all(workspace)
