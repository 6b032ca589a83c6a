"""Write prompts, read their history, see what a version changes and where it is used."""

import streamlit as st

from pages.components import screens, session, views
from pages.components.prompts import (
    compare,
    filters,
    importing,
    improving,
    listing,
    manage,
    opening,
    remarks,
    uses,
    versions,
    writing,
)
from services import prompts
from services.messages import mark
from services.prompts import bin, library

_ = session.text
VIEWS = {
    "write": (mark("Write"), writing.show),
    "versions": (mark("Versions"), versions.show),
    "compare": (mark("Compare"), compare.show),
    "used": (mark("Where used"), uses.show),
    "comments": (mark("Comments"), remarks.show),
    "improve": (mark("Improve"), improving.show),
}


def choose(names: list[str]) -> str | None:
    """The prompt that the address names; an app's only one needs no choice."""
    asked = st.query_params.get("prompt")
    if asked is not None and asked not in names and asked in bin.archived(workspace):
        return asked
    if asked is not None and asked not in names:
        st.warning(_("There is no prompt “{name}” in this app. Choose one from the list.", name=session.escape(asked)))
        asked = None
    return names[0] if asked is None and len(names) == 1 else asked


def choose_view(name: str) -> str:
    titles = {view: title for view, (title, _show) in VIEWS.items()}
    key = f"prompt-view-{workspace.app.id}-{name}"
    return views.choose(titles, key, lambda view: st.query_params.update({"prompt": name, "view": view}))


workspace = session.workspace()
look = library.refresh(workspace, None if "prompt" in st.query_params else filters.asked())
names = library.names(workspace, look)
screens.show_title("prompts")
manage.show_undo(workspace)
if "import" in st.query_params:
    importing.show(workspace)
    st.stop()
if "new" in st.query_params or not (names or "prompt" in st.query_params):
    with st.container(horizontal=True):
        if names:
            st.button(_("All prompts"), icon=":material/arrow_back:", key="back", on_click=opening.open_list)
        listing.show_import(workspace)
        if not names:
            manage.show_hidden(workspace)
    writing.show(workspace, None, [])
    st.stop()
chosen = choose(names)
if chosen is None:
    listing.show(workspace, look)
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    if len(names) > 1:
        st.button(_("All prompts"), icon=":material/arrow_back:", key="back", on_click=opening.open_list)
    else:
        st.button(_("New prompt"), icon=":material/add:", key="new-prompt", on_click=opening.open_new)
        listing.show_import(workspace)
    st.header(session.escape(chosen), anchor=False)
    manage.show(workspace, chosen)
view = choose_view(chosen)
VIEWS[view][1](workspace, chosen, prompts.history(workspace, chosen))
