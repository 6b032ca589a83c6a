"""Take prompts out as a file that can be imported again without loss."""

from datetime import UTC, datetime

import streamlit as st

from pages.components import session
from services.prompts import transfer
from services.workspace import Workspace

_ = session.text


def button(workspace: Workspace, name: str | None = None) -> None:
    """Download one prompt, or without a name all of the app, with every version; made when it is clicked."""
    stem = f"{workspace.app.id}-prompts" if name is None else name
    st.download_button(
        _("Export all") if name is None else _("Export"),
        lambda: transfer.export(workspace, None if name is None else [name]),
        file_name=f"{stem}-{datetime.now(UTC):%Y-%m-%d}.yaml",
        mime="application/yaml",
        icon=":material/upload:",
        key=f"export-{name or 'all'}",
        on_click="ignore",
        help=_("Every version with its author, note, settings and labels, as YAML. Comments and the trash stay here."),
    )
