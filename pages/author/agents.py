"""Log an agent with its prompt, see that its links agree, open one to try it and to compare it."""

import streamlit as st

from pages.components import agent_card, agent_compare, agent_lineage, agent_try, feedback, session
from services import agents, audit, jobs, prompts
from services.agents import AgentForm, AgentVersion
from services.audit import Verb
from services.errors import InvalidInputError
from services.jobs import State
from services.messages import Message, mark

_ = session.text
FIRST_SHOWN = 10
VIEWS = {
    "try": (mark("Try it"), agent_try.show),
    "lineage": (mark("From prompt to answers"), lambda place, agent, ready: agent_lineage.show(place, agent)),
    "compare": (mark("Compare"), agent_compare.show),
}


def field(name: str) -> str:
    """The key of a field of this app. A click may overtake what was just typed, so callbacks read fields by key."""
    return f"agent-{name}-{workspace.app.id}"


def log() -> None:
    name, prompt, version, pinned, model, temperature, most = (
        st.session_state[field(one)]
        for one in ("name", "prompt", "version", "pinned", "model", "temperature", "max_tokens")
    )
    with feedback.action(Message("Logging the agent. This takes about ten seconds.")):
        form = AgentForm(name.strip(), prompt, version, pinned, model.strip(), own_file(), temperature, most)
        st.query_params.from_dict({"job": str(agents.log(workspace, form).id)})


def own_file() -> str | None:
    chosen = st.session_state[field("file")]
    try:
        return chosen.getvalue().decode("utf-8-sig") if chosen else None
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            Message("The agent's file is not UTF-8 text."), Message("Save it as UTF-8 and choose it again.")
        ) from error


def open_form() -> None:
    st.query_params.from_dict({"new": "1"})


def open_list() -> None:
    st.query_params.clear()


def choose_view(agent: AgentVersion) -> str:
    """The view that the address names, with the way to the others."""
    key = f"agent-view/{agent.model_id}"
    asked = st.query_params.get("view", "try")
    st.session_state[key] = asked if asked in VIEWS else "try"
    st.segmented_control(
        _("View"),
        list(VIEWS),
        format_func=lambda view: _(VIEWS[view][0]),
        key=key,
        label_visibility="collapsed",
        required=True,
        on_change=lambda: st.query_params.update({"view": st.session_state[key]}),
    )
    return str(st.session_state[key])


def show_one(found: list[AgentVersion], model_id: str) -> None:
    st.button(_("All agents"), icon=":material/arrow_back:", key="back", on_click=open_list)
    agent = next((one for one in found if one.model_id == model_id), None) or agents.get(workspace, model_id)
    agent_card.show(agent, opens=False)
    if agent.status == "READY":
        VIEWS[choose_view(agent)][1](workspace, agent, [one for one in found if one.status == "READY"])


def show_list(found: list[AgentVersion]) -> None:
    everything = len(found) > FIRST_SHOWN and st.toggle(
        _("Show all agent versions ({n})", n=len(found)), key="all-agents"
    )
    for agent in found if everything else found[:FIRST_SHOWN]:
        agent_card.show(agent, opens=True)


def show_form(names: list[str]) -> None:
    st.subheader(_("Log an agent"), anchor=False)
    if not names:
        st.info(_("Write a prompt first: an agent is logged together with its prompt."))
        st.page_link(session.page("prompts"), label=_("Open Prompts"), icon=":material/edit_note:")
        return
    st.text_input(_("Name"), workspace.app.id, key=field("name"))
    labels = agent_try.version_labels(workspace, st.selectbox(_("Prompt"), names, key=field("prompt")))
    st.selectbox(
        _("Prompt version"),
        list(labels),
        format_func=labels.__getitem__,
        key=field("version"),
    )
    st.caption(
        _(
            "MLflow asks the agent once while it is logged: with this version. What it answers with later is chosen below."
        )
    )
    st.radio(
        _("Which version it answers with"),
        [False, True],
        key=field("pinned"),
        format_func=lambda pinned: _("Pin to this version") if pinned else _("Follow what is live"),
        captions=[
            _("A new prompt version goes live without a new agent. The usual choice."),
            _("Always this version; another one needs a new agent version."),
        ],
    )
    st.text_input(_("Model"), workspace.app.model or workspace.settings.model, key=field("model"))
    left, right = st.columns(2)
    left.number_input(
        _("Temperature"), 0.0, 2.0, None, 0.1, key=field("temperature"), placeholder=_("as the model decides")
    )
    right.number_input(
        _("Most tokens of an answer"), 1, 1_000_000, None, key=field("max_tokens"), placeholder=_("no limit")
    )
    st.caption(_("What a prompt version sets itself counts before these."))
    with st.expander(_("Bring your own agent file")):
        st.caption(
            _(
                "A Python file with an MLflow ResponsesAgent that ends with mlflow.models.set_model(…). Without "
                "one, the built-in agent is logged: the prompt, then the question, then the model's answer."
            )
        )
        st.file_uploader(_("Agent file"), type=["py"], key=field("file"))
    st.button(
        _("Log agent"),
        type="primary",
        key="log-agent",
        on_click=log,
        disabled=not audit.allowed(workspace, Verb.LOG_AGENT),
    )


def show_logging() -> bool:
    """Progress of the logging that the address names, else of one under way; whether one is under way."""
    recent, asked = jobs.recent(workspace, "log_agent", 50), session.number("job")
    shown = next((job for job in recent if job.id == asked), None) or next((job for job in recent if job.live), None)
    if shown is None:
        return False
    ended = feedback.job(shown.id, Message("The agent is logged. Try it here, evaluate it, then release it."))
    if ended.state is State.DONE:
        st.page_link(
            session.page("agents"),
            label=_("Open the agent"),
            icon=":material/smart_toy:",
            query_params={"agent": ended.result["model_id"]},
        )
    return ended.live


workspace = session.workspace()
st.title(_("Agents"), anchor=False)
found = agents.versions(workspace)
asked = st.query_params.get("agent")
if asked:
    show_one(found, asked)
    st.stop()
under_way = show_logging()
if "new" in st.query_params or not (found or under_way):
    if found:
        st.button(_("All agents"), icon=":material/arrow_back:", key="back", on_click=open_list)
    show_form(prompts.names(workspace))
    st.stop()
st.button(_("New agent version"), icon=":material/add:", type="primary", key="new-agent", on_click=open_form)
show_list(found)
