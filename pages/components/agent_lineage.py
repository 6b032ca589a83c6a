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
# Three beside each other on a wide screen, two on a small one; narrower ones would cut names.
WIDTH = 285
VERDICT = {Light.GREEN: ":material/check: ", Light.RED: ":material/close: "}


def show(workspace: Workspace, agent: AgentVersion) -> None:
    """Whether the agent uses its prompt, then the line."""
    found = lineage(workspace, agent.model_id)
    _show_proof(found.proof, agent)
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
        for position, stage in enumerate(found.stages):
            with st.container(border=True, width=WIDTH, height="stretch", gap="small"):
                _show_title(stage, last=position == len(found.stages) - 1)
                _show_stage(stage, agent)


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
            _button(_("Try it"), {"agent": agent.model_id, "view": "try"}, "proof")


def _show_title(stage: Stage, *, last: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{session.escape(say(stage.title))}**", width="stretch")
        if not last:
            st.markdown(":gray[:material/arrow_forward:]", width="content")


def _show_stage(stage: Stage, agent: AgentVersion) -> None:
    for node in stage.nodes:
        with st.container(gap="xxsmall"):
            _show_node(node, stage, agent)
    if not stage.nodes:
        st.caption(session.escape(say(stage.missing)))
        _show_way(stage.next, stage, agent)


def _show_node(node: Node, stage: Stage, agent: AgentVersion) -> None:
    _show_way(node, stage, agent)
    if node.badges:
        st.markdown(" ".join(map(_badge, node.badges)))
    told = [session.escape(say(note)) for note in node.notes]
    when = [session.moment(node.at)] if node.at else []
    if told or when:
        st.caption("  \n".join([*told, *when]))


def _show_way(node: Node, stage: Stage, agent: AgentVersion) -> None:
    """A link to another screen; on the agent's own screen a button, for a link to it would look chosen already."""
    label = session.escape(say(node.what))
    if node.screen != "agents":
        _link(node.screen, label, dict(node.asks))
    elif dict(node.asks) == {"agent": agent.model_id}:
        st.markdown(f"{screens.named(node.screen).icon} {label}")
    else:
        _button(label, dict(node.asks), stage.title.id)


def _link(screen: str, label: str, asks: dict[str, str]) -> None:
    st.page_link(session.page(screen), label=label, icon=screens.named(screen).icon, query_params=asks)


def _button(label: str, asks: dict[str, str], place: str) -> None:
    st.button(
        label,
        icon=screens.named("agents").icon,
        key=f"lineage/{place}",
        type="tertiary",
        on_click=lambda: st.query_params.from_dict(asks),
    )


def _badge(badge: Badge) -> str:
    sign = VERDICT.get(badge.light, "") if badge.verdict and badge.light else ""
    colour = COLOUR[badge.light] if badge.light else "gray"
    return f":{colour}-badge[{sign}{session.escape(say(badge.text))}]"
