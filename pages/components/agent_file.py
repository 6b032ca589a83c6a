"""The file of an agent that somebody brings: chosen, checked before it is logged, turned into an agent if it is none."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from pages.components import agent_checks, agent_documents, feedback, session
from services import audit
from services.agents import AgentForm, checking, folder, requirements
from services.agents.checking import Report, guide
from services.audit import Verb
from services.errors import ConsoleError, InvalidInputError
from services.messages import Message
from services.workspace import Workspace

_ = session.text
CHECK = "check-agent-file"
TYPES = ["py", "zip", "txt", "md", "json", "jsonl", "yaml", "yml", "toml", "csv", "jinja", "j2"]


def show(workspace: Workspace, filled: Callable[[], AgentForm]) -> None:
    """The field, a button that checks the file under what `filled` says, and what the check found."""
    chosen = st.file_uploader(
        _("Agent file or folder"),
        type=TYPES,
        key=_key(workspace, "file"),
        accept_multiple_files=True,
        max_upload_size=folder.LARGEST // 1_000_000,
        on_change=_suggest,
        args=(workspace,),
    )
    st.caption(
        _(
            "A Python file that ends with mlflow.models.set_model(…): a ResponsesAgent, a ChatAgent, a Python model or a "
            "function. With other files beside it, choose them all, or a zip of the folder; together up to {n} MB.",
            n=folder.LARGEST // 1_000_000,
        )
    )
    if not chosen:
        return
    try:
        _choose_entry(workspace)
        _show_conversion(source(workspace) or "")
    except ConsoleError as error:
        feedback.show_error(error)
        return
    st.button(
        _("Check the file"),
        key=CHECK,
        icon=":material/fact_check:",
        on_click=_check,
        args=(workspace, filled),
        disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
    )
    st.caption(_("It is read and asked a few questions in a process of its own. Logging it does that too."))
    feedback.show_refusal(CHECK)
    checked, job_id = st.session_state.get(_key(workspace, "check"), (None, 0))
    if checked == _token(workspace):
        _offer_packages(workspace, filled, agent_checks.show(workspace, job_id))


def asks_prompt(workspace: Workspace) -> bool:
    """The choice where the agent's instructions are; at first what the file itself shows."""
    key = _key(workspace, "prompted")
    st.session_state.setdefault(key, True)
    st.radio(
        _("Where its instructions are"),
        [True, False],
        key=key,
        format_func=lambda asks: _("In a prompt of this app") if asks else _("In its own code, or it needs none"),
        captions=[
            _("The file reads from its model config which prompt to load. Releases prove that it does."),
            _("It is logged without a prompt. A change of what it says is then a new agent version."),
        ],
    )
    asks = bool(st.session_state[key])
    if asks or not st.session_state.get(_key(workspace, "file")):
        return asks
    if checking.asks_prompt(_written(workspace)):
        st.warning(_("The file asks a prompt, and none is chosen for it."), icon=":material/warning:")
    elif checking.can_run(source(workspace) or ""):
        st.info(
            _(
                "No prompt is asked for, because the file loads none. It is logged, tried, evaluated and released all the "
                "same; what is about prompts says that it does not apply."
            ),
            icon=":material/info:",
        )
    return False


def source(workspace: Workspace) -> str | None:
    """The text of the file that names the agent; None without one. Raises InvalidInputError."""
    found = _read(workspace)
    return found[_entry(workspace, found)] if found else None


def source_name(workspace: Workspace) -> str:
    """What the file that names the agent is called; raises InvalidInputError."""
    return _entry(workspace, _read(workspace))


def beside(workspace: Workspace) -> dict[str, str]:
    """The other files of the folder by their path; raises InvalidInputError."""
    found = _read(workspace)
    return {name: text for name, text in found.items() if name != _entry(workspace, found)} if found else {}


def _suggest(workspace: Workspace) -> None:
    """Fill the form by what the file shows of itself; what cannot be read is said below the field."""
    written = _written(workspace)
    if not written:
        return
    st.session_state[_key(workspace, "prompted")] = checking.asks_prompt(written)
    if not checking.asks_model(written):
        st.session_state[_key(workspace, "model")] = ""


def _written(workspace: Workspace) -> str:
    """Everything that was chosen; empty for what cannot be read."""
    try:
        return "\n".join(_read(workspace).values())
    except ConsoleError:
        return ""


def _read(workspace: Workspace) -> dict[str, str]:
    chosen = st.session_state.get(_key(workspace, "file")) or []
    if sum(one.size for one in chosen) > folder.LARGEST_ZIP:
        raise InvalidInputError(
            Message("The agent's files are too large together."), Message("Keep data out of the folder.")
        )
    found = folder.read((one.name, one.getvalue()) for one in chosen)
    if found and not folder.entries(found):
        raise InvalidInputError(
            Message("No file names the agent."),
            Message("One Python file at the top of the folder ends with mlflow.models.set_model(…)."),
        )
    return found


def _entry(workspace: Workspace, found: dict[str, str]) -> str:
    possible = folder.entries(found)
    asked = st.session_state.get(_key(workspace, "entry"))
    return str(asked) if asked in possible else possible[0]


def _choose_entry(workspace: Workspace) -> None:
    """Which file names the agent, where several could."""
    found = _read(workspace)
    possible = folder.entries(found)
    if len(possible) > 1:
        st.selectbox(_("File that names the agent"), possible, key=_key(workspace, "entry"))
    if len(found) > 1:
        others = ", ".join(sorted(name for name in found if name != _entry(workspace, found)))
        st.caption(_("Logged beside {entry}: {others}", entry=_entry(workspace, found), others=session.escape(others)))


def _token(workspace: Workspace) -> tuple[str, ...]:
    """What is chosen now: another choice has no check yet."""
    chosen = st.session_state.get(_key(workspace, "file")) or []
    return (*(one.file_id for one in chosen), str(st.session_state.get(_key(workspace, "entry")) or ""))


def _key(workspace: Workspace, name: str) -> str:
    return f"agent-{name}-{workspace.app.id}"


def _check(workspace: Workspace, filled: Callable[[], AgentForm]) -> None:
    with feedback.action(Message("The check is on its way."), CHECK):
        form = replace(
            filled(),
            source=source(workspace),
            source_name=source_name(workspace),
            files=beside(workspace),
            documents=agent_documents.kept(workspace),
        )
        st.session_state[_key(workspace, "check")] = _token(workspace), checking.submit_form(workspace, form).id


def _offer_packages(workspace: Workspace, filled: Callable[[], AgentForm], report: Report | None) -> None:
    """Packages that are installed here are added by a click."""
    lines = sorted({one.package for one in report.findings if one.package and one.blocking}) if report else []
    if lines:
        st.button(
            _("Add the missing packages and check again"),
            key="add-packages",
            icon=":material/add:",
            on_click=_add_packages,
            args=(workspace, filled, lines),
        )


def _add_packages(workspace: Workspace, filled: Callable[[], AgentForm], lines: list[str]) -> None:
    key = _key(workspace, "packages")
    listed = requirements.lines(str(st.session_state.get(key) or ""))
    st.session_state[key] = "\n".join(requirements.added(listed, lines))
    _check(workspace, filled)


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
