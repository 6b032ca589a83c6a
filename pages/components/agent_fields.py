"""The fields of a new agent version that everyone sees: what answers, its prompt and model, packages, example and tags."""

import streamlit as st

from pages.components import agent_try, choices, rows, session
from services.agents import requirements
from services.agents.config_files import APIS
from services.workspace import Workspace

_ = session.text


def key(workspace: Workspace, name: str) -> str:
    """Of a field in the session; each app has a form of its own."""
    return f"agent-{name}-{workspace.app.id}"


def choose_own(workspace: Workspace) -> bool:
    """Whether a file of one's own is logged, not the built-in agent."""
    return bool(
        st.radio(
            _("What answers"),
            [False, True],
            key=key(workspace, "own"),
            format_func=lambda own: _("An agent file of your own") if own else _("The built-in agent"),
            captions=[
                _("The prompt, then the question, then the model's answer; documents and tools by form. No code."),
                _("A Python file or folder, checked before it is logged. Any framework, any kind of agent."),
            ],
        )
    )


def show_prompt(workspace: Workspace, names: list[str]) -> None:
    """Which of the app's prompts and versions, and whether the agent stays with it."""
    labels = agent_try.version_labels(workspace, st.selectbox(_("Prompt"), names, key=key(workspace, "prompt")))
    st.selectbox(_("Prompt version"), list(labels), format_func=labels.__getitem__, key=key(workspace, "version"))
    st.caption(
        _(
            "MLflow asks the agent once while it is logged: with this version. What it answers with later is chosen below."
        )
    )
    st.radio(
        _("Which version it answers with"),
        [False, True],
        key=key(workspace, "pinned"),
        format_func=lambda pinned: _("Pin to this version") if pinned else _("Follow what is live"),
        captions=[
            _("A new prompt version goes live without a new agent. The usual choice."),
            _("Always this version; another one needs a new agent version."),
        ],
    )


def show_model(workspace: Workspace, *, own: bool, asks: bool) -> None:
    """The model and its settings; a file may ask none, and the way of asking is the built-in agent's alone."""
    # Set here, not as the field's value: choosing a file may empty it.
    st.session_state.setdefault(key(workspace, "model"), workspace.usual_model)
    st.text_input(_("Model"), key=key(workspace, "model"), placeholder=_("none") if own else None)
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
        key=key(workspace, "temperature"),
        placeholder=_("as the model decides"),
    )
    right.number_input(
        _("Most tokens of an answer"),
        1,
        1_000_000,
        None,
        key=key(workspace, "max_tokens"),
        placeholder=_("no limit"),
    )
    if asks:
        st.caption(_("What a prompt version sets itself counts before these."))
    if own:
        return
    st.radio(
        _("How the built-in agent asks the model"),
        APIS,
        key=key(workspace, "api"),
        format_func=lambda api: "Responses" if api == APIS[1] else "Chat Completions",
        captions=[
            _("Nearly every server of models takes it. The usual choice."),
            _("OpenAI's newer way, for models that are offered only there. It knows no stop sequences."),
        ],
    )


def show_packages(workspace: Workspace) -> None:
    """What is installed beside the agent."""
    st.caption(
        _(
            "What is installed where the agent is served, one package per line with its version. The lines below are what "
            "the built-in agent needs, as installed here; add what your own file imports."
        )
    )
    field = key(workspace, "packages")
    # Not only the field's value: what a check found missing is added by a click.
    listed = st.session_state.get(field, "\n".join(requirements.defaults()))
    st.text_area(_("Packages, one per line"), height=110, **choices.seed(field, listed, value=listed))


def show_example(workspace: Workspace) -> None:
    """What is asked while it is logged, and what the version is found by."""
    st.text_area(
        _("Example question"),
        "".join(workspace.app.smoke_questions[:1]),
        key=key(workspace, "question"),
        height=80,
        help=_("MLflow asks the agent this while it is logged, and keeps it as the example of a request."),
    )
    st.markdown(_("What the caller sends beside the question"))
    st.caption(_("A row named like a variable of the prompt fills that variable, where the app leaves it open."))
    rows.show(key(workspace, "inputs"), [rows.Column(_("Input")), rows.Column(_("Value"))], _("Add an input"))
    st.markdown(_("Tags"))
    st.caption(_("Kept with the agent version in MLflow, where other tools can search for them."))
    rows.show(key(workspace, "tags"), [rows.Column(_("Tag")), rows.Column(_("Value"))], _("Add a tag"))
    st.text_input(
        _("Version identifier"),
        key=key(workspace, "identifier"),
        placeholder=_("by the time of logging"),
        help=_(
            "Names this logging in MLflow and in its traces, such as git_1a2b3c4d or v_20261121_130000: letters, digits, "
            "underscores."
        ),
    )
