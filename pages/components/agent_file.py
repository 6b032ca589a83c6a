"""The file of an agent that somebody brings: chosen, checked before it is logged, turned into an agent if it is none."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from pages.components import agent_checks, feedback, session
from services import audit
from services.agents import AgentForm, checking
from services.agents.checking import guide
from services.audit import Verb
from services.errors import ConsoleError, InvalidInputError
from services.messages import Message
from services.workspace import Workspace

_ = session.text
LARGEST = 1_000_000


def show(workspace: Workspace, filled: Callable[[], AgentForm]) -> None:
    """The field, a button that checks the file under what `filled` says, and what the check found."""
    st.caption(
        _(
            "A Python file with an MLflow ResponsesAgent that ends with mlflow.models.set_model(…). Without "
            "one, the built-in agent is logged: the prompt, then the question, then the model's answer."
        )
    )
    chosen = st.file_uploader(_("Agent file"), type=["py"], key=_key(workspace, "file"))
    if chosen is None:
        return
    try:
        _show_conversion(source(workspace) or "")
    except ConsoleError as error:
        feedback.show_error(error)
        return
    st.button(
        _("Check the file"),
        key="check-agent-file",
        icon=":material/fact_check:",
        on_click=_check,
        args=(workspace, filled),
        disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
    )
    st.caption(_("It is read and asked a few questions in a process of its own. Logging it does that too."))
    checked, job_id = st.session_state.get(_key(workspace, "check"), (None, 0))
    if checked == chosen.file_id:
        agent_checks.show(workspace, job_id)


def source(workspace: Workspace) -> str | None:
    """The text of the chosen file; None without one. Raises InvalidInputError."""
    chosen = st.session_state.get(_key(workspace, "file"))
    if chosen and chosen.size > LARGEST:
        raise InvalidInputError(Message("The agent's file is too large."), Message("Keep data out of the file."))
    try:
        return chosen.getvalue().decode("utf-8-sig") if chosen else None
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            Message("The agent's file is not UTF-8 text."), Message("Save it as UTF-8 and choose it again.")
        ) from error


def _key(workspace: Workspace, name: str) -> str:
    return f"agent-{name}-{workspace.app.id}"


def _check(workspace: Workspace, filled: Callable[[], AgentForm]) -> None:
    with feedback.action(Message("The check is on its way.")):
        form = replace(filled(), source=source(workspace))
        chosen = st.session_state[_key(workspace, "file")]
        st.session_state[_key(workspace, "check")] = chosen.file_id, checking.submit_form(workspace, form).id


def _show_conversion(written: str) -> None:
    converted = guide.as_agent(written)
    if converted is None:
        return
    st.info(
        _(
            "This file asks a model in a function and is no agent yet. Download it with a ResponsesAgent around that "
            "function, read it through, and choose that file."
        ),
        icon=":material/swap_horiz:",
    )
    st.download_button(
        _("Download it as an agent"), converted, "agent.py", "text/x-python", key="converted-agent", on_click="ignore"
    )
