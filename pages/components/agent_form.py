"""The form of a new agent version: what everyone fills in, and the rest in sections that stay closed."""

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import (
    agent_access,
    agent_config,
    agent_documents,
    agent_file,
    agent_servers,
    agent_tools,
    agent_try,
    choices,
    feedback,
    rows,
    session,
)
from services import agents, audit
from services.agents import AgentForm, requirements
from services.agents.config_files import APIS
from services.audit import Verb
from services.errors import ConsoleError, InvalidInputError
from services.messages import Message
from services.workspace import Workspace

_ = session.text
OF_PROMPT = ("prompt", "version", "pinned")


def show(workspace: Workspace, names: list[str]) -> None:
    """The form and its button; what was refused stands beside the button. `names` are the app's prompts."""
    st.header(_("Log an agent"), anchor=False)
    st.text_input(_("Name"), workspace.app.id, key=_key(workspace, "name"))
    own = _choose_own(workspace)
    if own:
        agent_file.show(workspace, lambda: filled(workspace))
    asks = not own or agent_file.asks_prompt(workspace)
    if asks and not names:
        st.info(_("Write a prompt first: this agent is logged together with its prompt."))
        st.page_link(session.page("prompts"), label=_("Open Prompts"), icon=":material/edit_note:")
        return
    if asks:
        _show_prompt(workspace, names)
    _show_model(workspace, own=own, asks=asks)
    with st.expander(_("Documents it answers from")):
        agent_documents.show(workspace)
    if not own:
        with st.expander(_("Tools that it may call")):
            agent_tools.show(workspace)
            st.divider()
            st.markdown(f"**{_('MCP servers')}**")
            agent_servers.show(workspace)
    with st.expander(_("What it may use (Databricks)")):
        agent_access.show(workspace)
    with st.expander(_("Packages")):
        _show_packages(workspace)
    with st.expander(_("Constants and environment")):
        agent_config.show(workspace, lambda: filled(workspace))
    with st.expander(_("Example and tags")):
        _show_example(workspace)
    st.button(
        _("Log agent"),
        type="primary",
        key="log-agent",
        on_click=_log,
        args=(workspace,),
        disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
    )
    refused = st.session_state.get(_key(workspace, "refused"))
    if refused is not None:
        feedback.show_error(refused)


def filled(workspace: Workspace) -> AgentForm:
    """What stands in the form now, without the files. A click may overtake what was just typed: fields are read by key."""

    def value(name: str) -> str:
        return str(st.session_state.get(_key(workspace, name)) or "").strip()

    shown = {
        name: st.session_state.get(_key(workspace, name)) for name in (*OF_PROMPT, "temperature", "max_tokens", "cache")
    }
    # Without any prompt in the app its fields are not there; a file can be checked all the same.
    asks = shown["prompt"] is not None and (
        not _is_own(workspace) or bool(st.session_state[_key(workspace, "prompted")])
    )
    form = AgentForm(
        name=value("name"),
        prompt_name=str(shown["prompt"]) if asks else "",
        first_version=shown["version"] if asks else None,
        pinned=asks and bool(shown["pinned"]),
        llm_model=value("model"),
        llm_api=st.session_state.get(_key(workspace, "api")) or APIS[0],
        temperature=shown["temperature"],
        max_output_tokens=shown["max_tokens"],
        constants=_pairs(workspace, "constants"),
        environment=value("environment"),
        prompt_cache_seconds=shown["cache"],
        example_question=value("question"),
        example_inputs=_pairs(workspace, "inputs"),
        pip_requirements=requirements.lines(value("packages")),
        tags=_pairs(workspace, "tags"),
        version_identifier=value("identifier"),
    )
    return agent_access.added(workspace, form)


def _log(workspace: Workspace) -> None:
    refused = _key(workspace, "refused")
    st.session_state.pop(refused, None)
    try:
        form = replace(filled(workspace), documents=agent_documents.kept(workspace), **_code(workspace))
        job = agents.log(workspace, form)
    except ConsoleError as error:
        st.session_state[refused] = error
        return
    with feedback.action(Message("Logging the agent. This takes about ten seconds.")):
        st.query_params.from_dict({"job": str(job.id)})


def _code(workspace: Workspace) -> dict[str, Any]:
    """The files of one's own agent, or what the built-in one is given; raises InvalidInputError without a file."""
    if not _is_own(workspace):
        return {
            "tools": agent_tools.source(workspace),
            "asking_tools": agent_tools.asking(workspace),
            "servers": agent_servers.read(workspace),
        }
    source = agent_file.source(workspace)
    if source is None:
        raise InvalidInputError(Message("No agent file is chosen."), Message("Choose one, or log the built-in agent."))
    name, files = agent_file.source_name(workspace), agent_file.beside(workspace)
    return {"source": source, "source_name": name, "files": files}


def _is_own(workspace: Workspace) -> bool:
    return bool(st.session_state.get(_key(workspace, "own")))


def _choose_own(workspace: Workspace) -> bool:
    return bool(
        st.radio(
            _("What answers"),
            [False, True],
            key=_key(workspace, "own"),
            format_func=lambda own: _("An agent file of your own") if own else _("The built-in agent"),
            captions=[
                _("The prompt, then the question, then the model's answer; documents and tools by form. No code."),
                _("A Python file or folder, checked before it is logged. Any framework, any kind of agent."),
            ],
        )
    )


def _key(workspace: Workspace, name: str) -> str:
    return f"agent-{name}-{workspace.app.id}"


def _pairs(workspace: Workspace, name: str) -> dict[str, str]:
    """Rows of names and values; a name that stands there twice would lose one of its values without a word."""
    found = rows.read(_key(workspace, name))
    names = [row[0] for row in found]
    twice = [one for one in names if names.count(one) > 1]
    if twice:
        raise InvalidInputError(
            Message("“{name}” stands in two rows.", name=twice[0]), Message("Take one of the two rows away.")
        )
    return {row[0]: row[1] for row in found}


def _show_prompt(workspace: Workspace, names: list[str]) -> None:
    labels = agent_try.version_labels(workspace, st.selectbox(_("Prompt"), names, key=_key(workspace, "prompt")))
    st.selectbox(_("Prompt version"), list(labels), format_func=labels.__getitem__, key=_key(workspace, "version"))
    st.caption(
        _(
            "MLflow asks the agent once while it is logged: with this version. What it answers with later is chosen below."
        )
    )
    st.radio(
        _("Which version it answers with"),
        [False, True],
        key=_key(workspace, "pinned"),
        format_func=lambda pinned: _("Pin to this version") if pinned else _("Follow what is live"),
        captions=[
            _("A new prompt version goes live without a new agent. The usual choice."),
            _("Always this version; another one needs a new agent version."),
        ],
    )


def _show_model(workspace: Workspace, *, own: bool, asks: bool) -> None:
    # Set here, not as the field's value: choosing a file may empty it.
    st.session_state.setdefault(_key(workspace, "model"), workspace.usual_model)
    st.text_input(_("Model"), key=_key(workspace, "model"), placeholder=_("none") if own else None)
    if own:
        st.caption(
            _("The file reads it as llm_model from its model config. Empty: it asks no model, or names its own.")
        )
    left, right = st.columns(2)
    left.number_input(
        _("Temperature"),
        0.0,
        2.0,
        None,
        0.1,
        key=_key(workspace, "temperature"),
        placeholder=_("as the model decides"),
    )
    right.number_input(
        _("Most tokens of an answer"),
        1,
        1_000_000,
        None,
        key=_key(workspace, "max_tokens"),
        placeholder=_("no limit"),
    )
    if asks:
        st.caption(_("What a prompt version sets itself counts before these."))
    if own:
        return
    st.radio(
        _("How the built-in agent asks the model"),
        APIS,
        key=_key(workspace, "api"),
        format_func=lambda api: "Responses" if api == APIS[1] else "Chat Completions",
        captions=[
            _("Nearly every server of models takes it. The usual choice."),
            _("OpenAI's newer way, for models that are offered only there. It knows no stop sequences."),
        ],
    )


def _show_packages(workspace: Workspace) -> None:
    st.caption(
        _(
            "What is installed where the agent is served, one package per line with its version. The lines below are what "
            "the built-in agent needs, as installed here; add what your own file imports."
        )
    )
    key = _key(workspace, "packages")
    # Not only the field's value: what a check found missing is added by a click.
    listed = st.session_state.get(key, "\n".join(requirements.defaults()))
    st.text_area(_("Packages, one per line"), height=110, **choices.seed(key, listed, value=listed))


def _show_example(workspace: Workspace) -> None:
    st.text_area(
        _("Example question"),
        "".join(workspace.app.smoke_questions[:1]),
        key=_key(workspace, "question"),
        height=80,
        help=_("MLflow asks the agent this while it is logged, and keeps it as the example of a request."),
    )
    st.markdown(_("What the caller sends beside the question"))
    st.caption(_("A row named like a variable of the prompt fills that variable, where the app leaves it open."))
    rows.show(_key(workspace, "inputs"), [rows.Column(_("Input")), rows.Column(_("Value"))], _("Add an input"))
    st.markdown(_("Tags"))
    st.caption(_("Kept with the agent version in MLflow, where other tools can search for them."))
    rows.show(_key(workspace, "tags"), [rows.Column(_("Tag")), rows.Column(_("Value"))], _("Add a tag"))
    st.text_input(
        _("Version identifier"),
        key=_key(workspace, "identifier"),
        placeholder=_("by the time of logging"),
        help=_(
            "Names this logging in MLflow and in its traces, such as git_1a2b3c4d or v_20261121_130000: letters, digits, "
            "underscores."
        ),
    )
