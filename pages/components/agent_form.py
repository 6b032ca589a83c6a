"""The form of a new agent version: what everyone fills in, and the rest in sections that stay closed."""

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import (
    agent_access,
    agent_config,
    agent_documents,
    agent_fields,
    agent_file,
    agent_servers,
    agent_tools,
    feedback,
    rows,
    session,
)
from pages.components.agent_fields import key
from services import agents, audit
from services.agents import AgentForm, requirements
from services.agents.config_files import APIS
from services.audit import Verb
from services.errors import ConsoleError, InvalidInputError
from services.messages import Message
from services.settings import PRACTICE
from services.workspace import Workspace

_ = session.text
OF_PROMPT = ("prompt", "version", "pinned")


def show(workspace: Workspace, names: list[str]) -> None:
    """The form and its button; what was refused stands beside the button. `names` are the app's prompts."""
    st.header(_("Log an agent"), anchor=False)
    st.text_input(_("Name"), workspace.app.id, key=key(workspace, "name"))
    own = agent_fields.choose_own(workspace)
    if own:
        agent_file.show(workspace, lambda: filled(workspace))
    asks = not own or agent_file.asks_prompt(workspace)
    if asks and not names:
        st.info(_("Write a prompt first: this agent is logged together with its prompt."))
        st.page_link(session.page("prompts"), label=_("Open Prompts"), icon=":material/edit_note:")
        return
    if asks:
        agent_fields.show_prompt(workspace, names)
    agent_fields.show_model(workspace, own=own, asks=asks)
    with st.expander(_("Documents it answers from")):
        agent_documents.show(workspace)
    if not own:
        with st.expander(_("Tools that it may call")):
            if workspace.usual_model == PRACTICE:
                st.info(_("The practice model never calls a tool: connect a model to see one called."))
            agent_tools.show(workspace)
            st.divider()
            st.markdown(f"**{_('MCP servers')}**")
            agent_servers.show(workspace)
    with st.expander(_("What it may use (Databricks)")):
        agent_access.show(workspace)
    with st.expander(_("Packages")):
        agent_fields.show_packages(workspace)
    with st.expander(_("Constants and environment")):
        agent_config.show(workspace, lambda: filled(workspace))
    with st.expander(_("Example and tags")):
        agent_fields.show_example(workspace)
    st.button(
        _("Log agent"),
        type="primary",
        key="log-agent",
        on_click=_log,
        args=(workspace,),
        disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
    )
    refused = st.session_state.get(key(workspace, "refused"))
    if refused is not None:
        feedback.show_error(refused)


def filled(workspace: Workspace) -> AgentForm:
    """What stands in the form now, without the files. A click may overtake what was just typed: fields are read by key."""

    def value(name: str) -> str:
        return str(st.session_state.get(key(workspace, name)) or "").strip()

    shown = {
        name: st.session_state.get(key(workspace, name)) for name in (*OF_PROMPT, "temperature", "max_tokens", "cache")
    }
    # Without any prompt in the app its fields are not there; a file can be checked all the same.
    asks = shown["prompt"] is not None and (
        not _is_own(workspace) or bool(st.session_state[key(workspace, "prompted")])
    )
    form = AgentForm(
        name=value("name"),
        prompt_name=str(shown["prompt"]) if asks else "",
        first_version=shown["version"] if asks else None,
        pinned=asks and bool(shown["pinned"]),
        llm_model=value("model"),
        llm_api=st.session_state.get(key(workspace, "api")) or APIS[0],
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
    refused = key(workspace, "refused")
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
    return bool(st.session_state.get(key(workspace, "own")))


def _pairs(workspace: Workspace, name: str) -> dict[str, str]:
    """Rows of names and values; a name that stands there twice would lose one of its values without a word."""
    found = rows.read(key(workspace, name))
    names = [row[0] for row in found]
    twice = [one for one in names if names.count(one) > 1]
    if twice:
        raise InvalidInputError(
            Message("“{name}” stands in two rows.", name=twice[0]), Message("Take one of the two rows away.")
        )
    return {row[0]: row[1] for row in found}
