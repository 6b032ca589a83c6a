"""How a new version is to meet people's questions: copies first, and how the traffic moves."""

import streamlit as st

from pages.components import session
from services import releases
from services.agents import AgentVersion
from services.messages import mark
from services.releases import Live
from services.releases.plan import Part
from services.workspace import Workspace

_, say = session.text, session.say
AT_ONCE, CANARY, TEST = "at once", "canary", "test"
MOVES = {
    AT_ONCE: mark("All of it at once"),
    CANARY: mark("Step by step (canary)"),
    TEST: mark("In an A/B test"),
}


def show(workspace: Workspace, live: Live, agent: AgentVersion) -> None:
    """Nothing where it is no other agent version than the live one: two are needed to compare."""
    if live.pair.model_id in (None, agent.model_id):
        return
    plan = releases.canary.plan(workspace)
    st.radio(
        _("How the traffic moves"),
        list(MOVES),
        format_func=lambda way: _(MOVES[way]),
        captions=[
            _("After the smoke test the new version answers everyone."),
            _(
                "First {parts} % of the traffic, then all of it; it stops where the new version does worse.",
                parts=" → ".join(str(one.percent) for one in plan.parts),
            ),
            _(
                "{percent} % of the traffic until the new version has given {n} answers; then somebody chooses.",
                percent=plan.test.percent,
                n=plan.test.answers,
            ),
        ],
        key=_key(workspace, "traffic"),
    )
    _show_shadow(workspace, agent, plan.shadow)


def chosen(workspace: Workspace) -> dict[str, bool]:
    """What stands in the form, as a proposal takes it."""
    traffic = st.session_state.get(_key(workspace, "traffic"))
    said = {name: bool(st.session_state.get(_key(workspace, name))) for name in ("shadow", "harmless")}
    return {"canary": traffic == CANARY, "test": traffic == TEST, **said}


def _show_shadow(workspace: Workspace, agent: AgentVersion, shadow: Part) -> None:
    """Only for a version whose answers change nothing elsewhere."""
    reason = releases.unshadowed(workspace, agent)
    if reason is not None:
        st.caption(_("No shadow: {reason}", reason=session.escape(say(reason))))
        return
    wanted = st.checkbox(
        _("First give it copies of questions, whose answers go to nobody (shadow)"),
        key=_key(workspace, "shadow"),
        help=_(
            "It gets {percent} % of the questions until both versions have answered {n}. People notice nothing; each copy "
            "costs as much as an answer. The numbers are set on the Apps screen, under Canary.",
            percent=shadow.percent,
            n=shadow.answers,
        ),
    )
    if wanted:
        st.checkbox(
            _("I have made sure that its answers change nothing elsewhere: no order, no ticket, no mail"),
            key=_key(workspace, "harmless"),
        )


def _key(workspace: Workspace, name: str) -> str:
    return f"release-{name}-{workspace.app.id}"
