"""One release: what moves, the interlocks, the steps, the proof."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.components import (
    consequences,
    environments,
    feedback,
    release_approval,
    release_beside,
    release_canary,
    release_change,
    release_effect,
    release_evidence,
    release_findings,
    release_override,
    release_promote,
    release_time,
    release_words,
    served_environment,
    session,
    steps,
)
from services import apps, audit, releases
from services.audit import Verb
from services.messages import Message, mark
from services.releases import Proof, Release, State, Step
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


def show(workspace: Workspace, id: int) -> None:
    """The page of one release; it refreshes itself while the release is on its way."""
    stage = workspace.app.environment.stage
    back = st.query_params.clear if workspace.app.environment.live else partial(environments.open_at, stage)
    st.button(_("All releases"), icon=":material/arrow_back:", key="back", on_click=back)
    working = releases.get(workspace, id).working

    @st.fragment(run_every=1.0 if working else None)
    def follow() -> None:
        feedback.show_at_once()
        release = releases.standing(workspace, releases.get(workspace, id))
        # A click in here runs this fragment only: the page decides anew whether to refresh it, and what the address opens.
        if release.working != working or session.number("release") != id:
            st.rerun()
        _show(workspace, release)

    follow()


def _standing_now(workspace: Workspace, release: Release) -> str:
    if release.working:
        return release_words.badge(release)
    return release_words.standing(release, releases.live(workspace), releases.successors(workspace).get(release.id))


def _show(workspace: Workspace, release: Release) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(release_words.title(release), anchor=False, width="content")
        st.markdown(f"{environments.badge(release)} {_standing_now(workspace, release)}".strip())
    st.markdown(release_words.sentence(release))
    reason = session.escape(release.why) or _("no reason given")
    st.caption(f"{session.escape(release.actor)} · {session.moment(release.created_at)} · {reason}")
    _show_error(release)
    _show_proof(release)
    if release.state in (State.LIVE, State.UNPROVEN):
        served_environment.show_findings(workspace, release.agent_version)
    release_promote.show(workspace, release)
    release_change.show(workspace, release)
    release_evidence.show(workspace, release)
    release_beside.show(workspace, release)
    release_effect.show(workspace, release)
    release_approval.show(workspace, release)
    release_override.show(workspace, release)
    _show_actions(workspace, release)
    release_canary.show(workspace, release)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{_('Steps')}**")
        steps.show([_item(one, release) for one in release.steps])
    with right:
        release_findings.show(release)


def _item(step: Step, release: Release) -> steps.Item:
    """A step that nobody works on now is not under way: a release that is resumed takes it up again.

    What waits tells nothing of an earlier attempt, whose version has been taken down.
    """
    state = "stopped" if step.state == "running" and not release.working else step.state
    told = say(step.detail) if step.detail and state != "waiting" else release_canary.ahead(release, step)
    return steps.Item(_step_title(step), state, told, step.seconds, EXPECTED_SECONDS.get(step.name))


def _step_title(step: Step) -> str:
    return _(STEP_TITLE[step.name]) if step.name in STEP_TITLE else release_canary.title(step)


def _show_error(release: Release) -> None:
    if release.error is None:
        return
    text = say(release.error) + ("\n\n" + say(release.remedy) if release.remedy else "")
    st.error(session.escape(text))


def _show_proof(release: Release) -> None:
    if release.proof is None:
        return
    st.success(_proof(release.proof, release), icon=":material/verified:")
    st.page_link(
        session.page("traces"),
        label=_("Open the trace that proves it"),
        icon=":material/account_tree:",
        query_params={"trace": release.proof.trace_id},
    )


def _proof(proof: Proof, release: Release) -> str:
    if proof.prompt_version is None:
        return _(
            "Proof: the endpoint in {stage} answered with agent version {n} after {seconds} s. It asks no prompt, so there "
            "is none to prove.",
            stage=_(apps.TITLE[release.stage]),
            n=release.agent_version,
            seconds=proof.seconds,
        )
    return _(
        "Proof: the endpoint in {stage} answered with prompt version {n} after {seconds} s.",
        stage=_(apps.TITLE[release.stage]),
        n=proof.prompt_version,
        seconds=proof.seconds,
    )


def _show_actions(workspace: Workspace, release: Release) -> None:
    if release.held and not release.held_later:
        st.error(
            _(
                "A freeze period holds this release, and nothing else. It can be started after the period without another "
                "check; “Start later” plans that now."
            ),
            icon=":material/block:",
        )
    elif release.held:
        st.error(
            _(
                "This release is blocked. Mend what is red below, then check it again. A better prompt version is a "
                "release of its own: withdraw this one and propose that one."
            ),
            icon=":material/block:",
        )
    if release.stopping:
        st.caption(_("Stopping: the step under way is finished first. It can be resumed afterwards."))
    elif release.due_at:
        st.info(release_time.told(release), icon=":material/schedule:")
    elif release.finishing:
        st.caption(_("It has ended. Its evidence is being kept, and what nobody needs any more is stopped."))
    elif release.working and not release.waits:
        st.caption(_("It goes on by itself; you may close this page."))
    elif release.judged and release.startable and not release.moving and not release.held:
        with st.container(border=True):
            consequences.show(releases.consequences.of_start(workspace, release))
    with st.container(horizontal=True):
        if release.working and not release.finishing:
            _button("stop-release", _("Stop"), _stop, workspace, release, Verb.STOP_RELEASE, disabled=release.stopping)
        elif release.startable:
            _show_start(workspace, release)


def _show_start(workspace: Workspace, release: Release) -> None:
    proposed = release.state is State.PROPOSED
    label = _("Start release") if proposed else _("Resume release")
    missing = releases.approving.missing(workspace, release)
    held = release.held or missing
    _button("start-release", label, _start, workspace, release, Verb.START_RELEASE, disabled=held, first=True)
    release_time.show(workspace, release, held=release.held_later or missing)
    if release.checkable:
        _button("check-release", _("Check again"), _check_again, workspace, release, Verb.CHECK_RELEASE)
    if release.state is not State.UNPROVEN:
        _button("withdraw-release", _("Withdraw"), _withdraw, workspace, release, Verb.WITHDRAW_RELEASE)


def _button(
    key: str,
    label: str,
    click: Callable[[Workspace, int], None],
    workspace: Workspace,
    release: Release,
    verb: Verb,
    *,
    disabled: bool = False,
    first: bool = False,
) -> None:
    st.button(
        label,
        type="primary" if first else "secondary",
        key=key,
        on_click=click,
        args=(workspace, release.id),
        disabled=disabled or not audit.allowed(workspace, verb),
    )


def _start(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Release {id} is on its way.", id=id)):
        releases.start(workspace, id)


def _stop(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Release {id} stops after its current step.", id=id)):
        releases.stop(workspace, id)


def _check_again(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("The interlocks were checked again.")):
        releases.check_again(workspace, id)


def _withdraw(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Release {id} is withdrawn. Nothing moved.", id=id)):
        releases.withdraw(workspace, id)
