"""The tools of the built-in agent: a Python file, what is understood of it, and which wait for a person's yes."""

from typing import Any

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.agents import tools
from services.agents.tools import Tool
from services.audit import Verb
from services.errors import ConsoleError, InvalidInputError
from services.messages import Message
from services.workspace import Workspace

_ = session.text
EXAMPLE = '''def order_status(order: str) -> str:
    """Tell where an order is.

    order: the number on the invoice, such as A-1042
    """
    return look_up(order)
'''


def show(workspace: Workspace) -> None:
    """The field, and what the file declares; what is wrong in it stands there at once."""
    st.caption(
        _(
            "Functions that the model may call before it answers, in a Python file of your engineers: the name, the typed "
            "parameters and the docstring are what the model is told. They run where the agent is served, and every call "
            "is a step of the trace."
        )
    )
    st.file_uploader(
        _("File with tools"),
        type=["py"],
        key=_key(workspace, "file"),
        max_upload_size=1,
        disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
    )
    st.caption(_("A Python file (.py), up to {n} kB.", n=tools.LARGEST // 1_000))
    try:
        found = tools.read(source(workspace)) if _chosen(workspace) else ()
    except ConsoleError as error:
        feedback.show_error(error)
        return
    if not found:
        with st.popover(_("What such a file looks like"), icon=":material/code:"):
            st.code(EXAMPLE, language=None, wrap_lines=True)
        return
    for one in found:
        show_tool(one)
    st.multiselect(
        _("Tools that wait for a person's yes"),
        [one.name for one in found],
        key=_key(workspace, "asking"),
        placeholder=_("none: all of them run by themselves"),
        help=_("For what cannot be undone, such as a payment: in a chat it runs only after somebody clicks Allow it."),
    )


def source(workspace: Workspace) -> str:
    """The text of the file with tools; empty without one. Raises InvalidInputError."""
    file = _chosen(workspace)
    try:
        return file.getvalue().decode("utf-8-sig") if file else ""
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            Message("The file with tools is not a UTF-8 text."), Message("Save it as UTF-8 and choose it again.")
        ) from error


def asking(workspace: Workspace) -> tuple[str, ...]:
    """The tools that wait for a yes, as they were chosen for the file that stands there now."""
    chosen = st.session_state.get(_key(workspace, "asking")) or ()
    return tuple(chosen) if _chosen(workspace) else ()


def _chosen(workspace: Workspace) -> Any:
    """Streamlit's uploaded file, or None."""
    return st.session_state.get(_key(workspace, "file"))


def _key(workspace: Workspace, name: str) -> str:
    return f"agent-tools-{name}/{workspace.app.id}"


def show_tool(one: Tool) -> None:
    """What the model is told of it."""
    given = ", ".join(one.parameters["properties"]) or _("nothing")
    with st.container(border=True, gap="small"):
        st.markdown(f":material/build: **{session.escape(one.name)}**: {session.escape(one.says)}")
        st.caption(_("Is given: {names}", names=session.escape(given)))
        if one.server and one.asks:
            st.caption(_("Waits for a person's yes."))
