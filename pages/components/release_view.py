"""One release: what moves, the interlocks, the steps, the proof."""

import streamlit as st

from pages.components import feedback, session, steps
from services import audit, releases
from services.audit import Verb
from services.interlocks import Finding, Light
from services.messages import Message, mark
from services.releases import Kind, Release, State
from services.workspace import Workspace

_, say = session.text, session.say

STEP_TITLE = {
    "preflight": mark("Interlocks checked"),
    "register": mark("Agent version registered"),
    "scorers": mark("Production scorers on"),
    "deploy": mark("Deployed at 0 % traffic"),
    "ready": mark("Ready"),
    "smoke": mark("Smoke test"),
    "shift": mark("Made live"),
    "proof": mark("Proof that it is live"),
}
EXPECTED_SECONDS = {
    "preflight": 2,
    "register": 2,
    "scorers": 1,
    "deploy": 1,
    "ready": 6,
    "smoke": 6,
    "shift": 2,
    "proof": 10,
}
COLOUR = {State.LIVE: "green", State.RUNNING: "blue", State.PROPOSED: "gray", State.TAKEN_BACK: "gray"}
LIGHT = {
    Light.GREEN: ":green[:material/check_circle:]",
    Light.AMBER: ":orange[:material/warning:]",
    Light.RED: ":red[:material/block:]",
}
SEVERITY = (Light.RED, Light.AMBER, Light.GREEN)
GATE = 2


def badge(release: Release) -> str:
    colour = "red" if release.held else COLOUR.get(release.state, "red")
    return f":{colour}-badge[{session.escape(session.release_state(release))}]"


def sentence(release: Release) -> str:
    """What moves from where to where, in one line."""
    values = {
        "old": release.before.prompt_version or "–",
        "new": release.after.prompt_version or "–",
        "old_agent": release.before.agent_version or "–",
        "new_agent": release.after.agent_version or "–",
    }
    if release.kind is Kind.PROMPT:
        return _("Prompt version {old} → {new}; the agent stays.", **values)
    if release.kind is Kind.AGENT and None in (release.before.agent_version, release.after.agent_version):
        return _("A new agent version with prompt version {new}.", **values)
    if release.kind is Kind.AGENT:
        return _("Agent version {old_agent} → {new_agent} with prompt version {new}.", **values)
    return _("Back from prompt version {old} to {new}, agent version {old_agent} to {new_agent}.", **values)


def show(workspace: Workspace, id: int) -> None:
    """The page of one release; it refreshes itself while the release is on its way."""
    st.button(_("All releases"), icon=":material/arrow_back:", key="back", on_click=lambda: st.query_params.clear())
    working = releases.get(workspace, id).working

    @st.fragment(run_every=1.0 if working else None)
    def follow() -> None:
        feedback.show_at_once()
        release = releases.get(workspace, id)
        # A click in here runs this fragment only: the page decides anew whether to refresh it.
        if release.working != working:
            st.rerun()
        _show(workspace, release)

    follow()


def _show(workspace: Workspace, release: Release) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(_("Release {id}", id=release.id), anchor=False, width="content")
        st.markdown(badge(release))
    st.markdown(sentence(release))
    st.caption(
        f"{session.escape(release.actor)} · {session.moment(release.created_at)}"
        + (f" · {session.escape(release.why)}" if release.why else "")
    )
    _show_error(release)
    _show_proof(release)
    _show_actions(workspace, release)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{_('Steps')}**")
        steps.show(
            [
                steps.Item(
                    _(STEP_TITLE[one.name]),
                    one.state,
                    say(one.detail) if one.detail else "",
                    one.seconds,
                    EXPECTED_SECONDS[one.name],
                )
                for one in release.steps
            ]
        )
    with right:
        if release.findings:
            st.markdown(f"**{_('Interlocks')}**")
        for finding in sorted(release.findings, key=lambda one: SEVERITY.index(one.light)):
            _show_finding(finding, release)


def _show_error(release: Release) -> None:
    if release.error is None:
        return
    text = say(release.error) + ("\n\n" + say(release.remedy) if release.remedy else "")
    st.error(session.escape(text))


def _show_proof(release: Release) -> None:
    if release.proof is None:
        return
    st.success(
        _(
            "Proof: the live endpoint answered with prompt version {n} after {seconds} s.",
            n=release.proof.prompt_version,
            seconds=release.proof.seconds,
        ),
        icon=":material/verified:",
    )
    st.page_link(
        session.page("traces"),
        label=_("Open the trace that proves it"),
        icon=":material/account_tree:",
        query_params={"trace": release.proof.trace_id},
    )


def _show_finding(finding: Finding, release: Release) -> None:
    with st.container(border=True):
        st.markdown(
            f"{LIGHT[finding.light]} **{finding.number}. {session.escape(say(finding.title))}**  \n"
            f"{session.escape(say(finding.found))}"
        )
        st.caption(session.escape(say(finding.why)))
        if finding.mend and finding.light is not Light.GREEN:
            st.markdown(_("**Next step:** {what}", what=session.escape(say(finding.mend))))
            _link_evaluation(finding, release)


def _link_evaluation(finding: Finding, release: Release) -> None:
    if finding.number == GATE and release.evaluation:
        st.page_link(
            session.page("evaluations"),
            label=_("Open the evaluation"),
            icon=":material/grading:",
            query_params={"run": release.evaluation},
        )


def _show_actions(workspace: Workspace, release: Release) -> None:
    if release.held:
        st.error(_("This release is blocked. Mend what is red below, then propose it again."), icon=":material/block:")
    if release.working:
        st.caption(_("It goes on by itself; you may close this page."))
        st.button(
            _("Stop"),
            key="stop-release",
            on_click=_stop,
            args=(workspace, release.id),
            disabled=not audit.allowed(workspace, Verb.STOP_RELEASE),
        )
    elif release.startable:
        label = _("Start release") if release.state is State.PROPOSED else _("Resume release")
        st.button(
            label,
            type="primary",
            key="start-release",
            on_click=_start,
            args=(workspace, release.id),
            disabled=release.held or not audit.allowed(workspace, Verb.START_RELEASE),
        )


def _start(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Release {id} is on its way.", id=id)):
        releases.start(workspace, id)


def _stop(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Release {id} stops after its current step.", id=id)):
        releases.stop(workspace, id)
