"""One agent version in a few words: its state, model, prompt, and whether its links to the prompt agree."""

import streamlit as st

from pages.components import agent_titles, editor, session
from services.agents import AgentVersion, Links
from services.kinds import Kind
from services.messages import mark

_ = session.text
STATUS = {"READY": mark("ready"), "PENDING": mark("being logged"), "FAILED": mark("failed")}
KINDS = {
    Kind.RESPONSES: "ResponsesAgent",
    Kind.CHAT: "ChatAgent",
    Kind.PYTHON: mark("Python model"),
    Kind.FORM: mark("takes a form"),
}
COLOUR = {"READY": "green", "FAILED": "red"}


def show(agent: AgentVersion, *, opens: bool) -> None:
    """A card; with `opens` it leads to the agent's own page."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            _show_title(agent)
            if opens and agent.status == "READY":
                st.button(
                    _("Open"),
                    key=f"open-{agent.model_id}",
                    icon=":material/arrow_forward:",
                    on_click=open_one,
                    args=(agent.model_id,),
                )
        if agent.status == "FAILED":
            st.error(
                session.escape(session.say(agent.error))
                if agent.error
                else _("It failed to log, and no reason was kept. Log it again.")
            )
        if agent.status == "READY":
            st.markdown(_facts(agent))
            _show_tools(agent)
            _show_links(agent.links)


def open_one(model_id: str) -> None:
    """For a click on the Agents screen itself: a link to the screen that is open already leaves the address as it was."""
    st.query_params.from_dict({"agent": model_id})


def _show_title(agent: AgentVersion) -> None:
    name = agent_titles.label(agent) if agent.registered else agent.name
    kind = f" :gray-badge[{_(KINDS[agent.kind])}]" if agent.status == "READY" else ""
    badge = f":{COLOUR.get(agent.status, 'gray')}-badge[{_(STATUS.get(agent.status, agent.status))}]"
    st.markdown(f"**{session.escape(name)}** {badge}{kind}", width="content")
    st.caption(session.moment(agent.created_at), width="stretch")


def _facts(agent: AgentVersion) -> str:
    known = {
        "model": _("Model {name}", name=session.escape(agent.llm_model)) if agent.llm_model else _("No model named"),
        "registered": _("registered as version {n}", n=agent.registered)
        if agent.registered
        else _("not registered yet"),
    }
    if agent.links.none:
        return _("{model} · no prompt · {registered}", **known)
    return _(
        "{model} · prompt {prompt} · {follows} · {registered}",
        prompt=session.escape(agent.prompt_name or "–"),
        follows=_("pinned to version {n}", n=agent.pinned) if agent.pinned else _("follows what is live"),
        **known,
    )


def _show_tools(agent: AgentVersion) -> None:
    """Those of the built-in agent, and which of them wait for a person."""
    told = [
        _("{name} (after a yes)", name=session.escape(one["name"])) if one["asks"] else session.escape(one["name"])
        for one in agent.tools
    ]
    if told:
        st.caption(_("Tools: {names}", names=", ".join(told)))
    for one in agent.servers:
        # As code: an address that Markdown makes a link of would be asked by a browser.
        name, url = session.escape(one["name"]), f"`{one['url'].replace('`', '')}`"
        st.caption(_("MCP server {name}: {url}", name=name, url=url))


def _show_links(links: Links) -> None:
    if links.none:
        st.caption(_("It was logged without a prompt: its instructions are in its code or loaded by it."))
        return
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
