"""Constants and environment of a new agent version: typed, taken from a file, compared with one, and downloaded."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.components import feedback, rows, session
from services.agents import AgentForm, config_files
from services.agents.config_files import ConfigFile
from services.errors import ConsoleError
from services.messages import Message
from services.workspace import Workspace

_ = session.text
ENVIRONMENTS = ("dev", "staging", "production")
# The fields of the form by their name in the model config.
FIELD_OF = {
    "llm_model": "model",
    "llm_api": "api",
    "temperature": "temperature",
    "max_output_tokens": "max_tokens",
    "prompt_cache_seconds": "cache",
    "environment": "environment",
}


def show(workspace: Workspace, filled: Callable[[], AgentForm]) -> None:
    """The section of the form; `filled` tells what stands in the whole form."""
    st.caption(
        _(
            "The agent's file reads a constant from its model config by name; the built-in agent fills the prompt variable "
            "of that name with it. A constant here counts before the app's own."
        )
    )
    if workspace.app.constants:
        names = session.escape(", ".join(sorted(workspace.app.constants)))
        st.caption(_("The app's own: {names}", names=names))
    rows.show(_key(workspace, "constants"), [rows.Column(_("Constant")), rows.Column(_("Value"))], _("Add a constant"))
    left, right = st.columns(2)
    left.selectbox(
        _("Environment"),
        ENVIRONMENTS,
        None,
        key=_key(workspace, "environment"),
        accept_new_options=True,
        placeholder=_("none"),
        help=_("Written into every trace of this agent version. Choose one or type another."),
    )
    right.number_input(
        _("Seconds until a moved prompt answers"),
        0,
        3600,
        None,
        key=_key(workspace, "cache"),
        placeholder=str(workspace.app.prompt_cache_seconds),
        help=_("Empty: as the app says. Where this console serves the agent, the app's setting counts."),
    )
    _show_files(workspace, filled)


def _key(workspace: Workspace, name: str) -> str:
    return f"agent-{name}-{workspace.app.id}"


def _show_files(workspace: Workspace, filled: Callable[[], AgentForm]) -> None:
    given = st.file_uploader(
        _("Compare with a config file (YAML, up to {n} kB)", n=config_files.LARGEST_FILE // 1_000),
        ["yaml", "yml"],
        key=_key(workspace, "config"),
        max_upload_size=1,
    )
    try:
        config = config_files.of(workspace, filled())
        if given is not None:
            file = config_files.read(given.getvalue())
            _show_differences(workspace, config_files.differences(config, file))
    except ConsoleError as error:
        feedback.show_error(error)
        return
    st.caption(_("Download what would be logged, for one environment:"))
    with st.container(horizontal=True):
        chosen = st.session_state.get(_key(workspace, "environment"))
        for name in dict.fromkeys([*ENVIRONMENTS, *([chosen] if chosen else [])]):
            st.download_button(
                session.escape(f"{name}.yaml"),
                config_files.written(config, name),
                file_name=f"{workspace.app.id}-agent-{name}.yaml",
                mime="application/yaml",
                key=_key(workspace, f"download-{name}"),
                icon=":material/download:",
                on_click="ignore",
            )


def _show_differences(workspace: Workspace, found: tuple[config_files.Difference, ...]) -> None:
    if not found:
        st.success(_("The file says what would be logged."), icon=":material/check_circle:")
        return
    lines = [[one.name, *("–" if value is None else str(value) for value in (one.logged, one.file))] for one in found]
    st.dataframe(
        pd.DataFrame(lines, columns=["name", "logged", "file"]),
        hide_index=True,
        column_config={"name": _("Name"), "logged": _("would be logged"), "file": _("in the file")},
    )
    st.button(
        _("Take over the file's values"), key=_key(workspace, "take-over"), on_click=_take_over, args=(workspace,)
    )
    st.caption(_("Its prompt and company are not taken over: those are chosen above and in the app."))


def _take_over(workspace: Workspace) -> None:
    given = st.session_state[_key(workspace, "config")]
    with feedback.action(Message("Took over the file's values.")):
        _fill(workspace, config_files.read(given.getvalue()))


def _fill(workspace: Workspace, file: ConfigFile) -> None:
    for name, field in FIELD_OF.items():
        value = file.fields.get(name)
        if name in file.content:
            st.session_state[_key(workspace, field)] = (
                float(value) if name == "temperature" and value is not None else value
            )
    own = [(name, value) for name, value in file.constants.items() if workspace.app.constants.get(name) != value]
    rows.fill(_key(workspace, "constants"), own)
