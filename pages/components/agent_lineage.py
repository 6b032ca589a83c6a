"""An agent version's line from its prompt to its live answers: one card per stage, each thing one click away."""

import streamlit as st

from pages.components import screens, session
from services.agents import AgentVersion
from services.agents.lineage import PromptProof, lineage
from services.agents.stages import Badge, Node, Stage
from services.interlocks import Light
from services.traces import ORIGINS
from services.workspace import Workspace

_, say = session.text, session.say
COLOUR = {Light.GREEN: "green", Light.AMBER: "orange", Light.RED: "red"}
SIGN = {True: ":green[:material/verified:]", False: ":red[:material/error:]", None: ":gray[:material/help:]"}
WIDTH = 250


def show(workspace: Workspace, agent: AgentVersion) -> None:
    """Whether the agent uses its prompt, then the line."""
    found = lineage(workspace, agent.model_id)
    _show_proof(found.proof, agent)
    with st.container(horizontal=True, gap="small"):
        for position, stage in enumerate(found.stages):
            if position:
                st.markdown(":gray[:material/arrow_forward:]", width="content")
            with st.container(border=True, width=WIDTH, height="stretch", gap="xsmall"):
                _show_stage(stage)


def _show_proof(proof: PromptProof, agent: AgentVersion) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{SIGN[proof.used]} **{_('Does it really use its prompt?')}** {session.escape(say(proof.told))}",
            width="stretch",
        )
        if proof.trace_id and proof.at:
            st.caption(f"{_(ORIGINS[proof.origin])} · {session.moment(proof.at)}", width="content")
            _link("traces", _("Open the trace"), {"trace": proof.trace_id})
        elif proof.used is None:
            _link("agents", _("Try it"), {"agent": agent.model_id, "view": "try"})


def _show_stage(stage: Stage) -> None:
    st.markdown(f"**{session.escape(say(stage.title))}**")
    for node in stage.nodes:
        _show_node(node)
    if not stage.nodes:
        st.caption(session.escape(say(stage.missing)))
        _show_link(stage.next)


def _show_node(node: Node) -> None:
    _show_link(node)
    if node.badges:
        st.markdown(" ".join(map(_badge, node.badges)))
    told = [session.escape(say(note)) for note in node.notes]
    when = [session.moment(node.at)] if node.at else []
    if told or when:
        st.caption("  \n".join([*told, *when]))


def _show_link(node: Node) -> None:
    _link(node.screen, session.escape(say(node.what)), dict(node.asks))


def _link(screen: str, label: str, asks: dict[str, str]) -> None:
    st.page_link(session.page(screen), label=label, icon=screens.named(screen).icon, query_params=asks)


def _badge(badge: Badge) -> str:
    return f":{COLOUR[badge.light] if badge.light else 'gray'}-badge[{session.escape(say(badge.text))}]"
