"""What the archive has on every platform: its two switches, and the keys of its fields."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.components import session
from services import audit
from services.audit import Verb
from services.workspace import Workspace

_ = session.text


def start(workspace: Workspace, switch_on: Callable[..., None], *args: Any, refused: str | None = None) -> None:
    """`refused`: what is told to a person who may not."""
    may = audit.allowed(workspace, Verb.START_ARCHIVE)
    st.button(
        _("Start the archive"),
        key="start-archive",
        type="primary",
        on_click=switch_on,
        args=(workspace, *args),
        disabled=not may,
        help=None if may else refused,
    )


def stop(workspace: Workspace, switch_off: Callable[..., None], kept: str) -> None:
    """`kept`: what is still there afterwards."""
    st.button(
        _("Stop the archive"),
        key="stop-archive",
        on_click=switch_off,
        args=(workspace,),
        disabled=not audit.allowed(workspace, Verb.STOP_ARCHIVE),
        help=kept,
    )


def key(workspace: Workspace, name: str) -> str:
    """Of a field, one for each app."""
    return f"archive-{name}/{workspace.app.id}"
