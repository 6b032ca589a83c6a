"""Log an agent with its prompt, see that its links agree, try it."""

import streamlit as st

from pages.components import agent_compare, agent_titles, agent_try, editor, feedback, session
from services import agents, audit, jobs, prompts
from services.agents import AgentForm, AgentVersion, Links
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message, mark

_ = session.text
FIRST_SHOWN = 10
STATUS = {"READY": mark("ready"), "PENDING": mark("being logged"), "FAILED": mark("failed")}
COLOUR = {"READY": "green", "FAILED": "red"}


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
        st.query_params["job"] = str(agents.log(workspace, form).id)


def own_file() -> str | None:
    chosen = st.session_state[field("file")]
    try:
        return chosen.getvalue().decode("utf-8-sig") if chosen else None
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            Message("The agent's file is not UTF-8 text."), Message("Save it as UTF-8 and choose it again.")
        ) from error


def show_links(links: Links) -> None:
    if links.agree:
        st.caption(_("Its three links to the prompt agree."))
        return
    told = {name: editor.as_written(value or "–") for name, value in vars(links).items()}
    st.warning(
        _(
            "Its links to the prompt disagree: it was logged with {from_prompts}, its tags say {from_tags}, its "
            "settings say {from_config}. Log it again before you release it.",
            **told,
        )
    )


def show_agent(agent: AgentVersion) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{session.escape(agent_titles.label(agent) if agent.registered else agent.name)}** :{COLOUR.get(agent.status, 'gray')}-badge[{_(STATUS.get(agent.status, agent.status))}]"
            )
            st.caption(session.moment(agent.created_at), width="content")
        if agent.status == "FAILED":
            st.error(
                session.escape(session.say(agent.error))
                if agent.error
                else _("It failed to log, and no reason was kept. Log it again.")
            )
        if agent.status != "READY":
            return
        st.markdown(
            _(
                "Model {model} · prompt {prompt} · {follows} · {registered}",
                model=session.escape(agent.llm_model or "–"),
                prompt=session.escape(agent.prompt_name or "–"),
                follows=_("pinned to version {n}", n=agent.pinned) if agent.pinned else _("follows what is live"),
                registered=_("registered as version {n}", n=agent.registered)
                if agent.registered
                else _("not registered yet"),
            )
        )
        show_links(agent.links)


def show_list(found: list[AgentVersion]) -> None:
    st.subheader(_("Agent versions"), anchor=False)
    if not found:
        st.info(_("No agent has been logged yet. Each version will show here with its links to the prompt."))
    everything = len(found) > FIRST_SHOWN and st.toggle(
        _("Show all agent versions ({n})", n=len(found)), key="all-agents"
    )
    asked = st.query_params.get("agent")
    found = sorted(found, key=lambda agent: agent.model_id != asked)
    for agent in found if everything else found[:FIRST_SHOWN]:
        show_agent(agent)


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


def show_logging() -> None:
    """Progress of the logging that the address names, else of one under way."""
    recent, asked = jobs.recent(workspace, "log_agent", 50), session.number("job")
    shown = next((job for job in recent if job.id == asked), None) or next((job for job in recent if job.live), None)
    if shown:
        feedback.job(shown.id, Message("The agent is logged. Try it here, evaluate it, then release it."))


workspace = session.workspace()
st.title(_("Agents"), anchor=False)
show_logging()
names, found = prompts.names(workspace), agents.versions(workspace)
listing, working = st.columns([3, 2], gap="large")
with working:
    show_form(names)
with listing:
    ready = [one for one in found if one.status == "READY"]
    agent_try.show(workspace, ready, names)
    show_list(found)
    if len(ready) > 1:
        both = st.expander(_("Compare two agent versions"), icon=":material/compare_arrows:", on_change="rerun")
        with both:
            if both.open:
                agent_compare.show(workspace, ready)
