"""What somebody decides about two versions that are compared: to go on all the same, or which one answers everyone."""

import streamlit as st

from pages.components import feedback, session
from services import audit, releases
from services.audit import Verb
from services.messages import Message
from services.releases import Release, State, Step, looking
from services.releases.plan import Way
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, release: Release, step: Step) -> None:
    """Nothing while the release waits for nobody."""
    _show_stopped(release, step)
    _show_held(workspace, release, step)
    _show_choice(workspace, release, step)


def _show_stopped(release: Release, step: Step) -> None:
    """Who answers after a stop by hand; what could not be taken back stands in the release's error."""
    if release.state is not State.STOPPED or release.error is not None or release.done(step.name):
        return
    st.info(
        _(
            "Stopped: the live version answers everyone. Resumed, the comparison begins anew, and these answers count no "
            "more."
        )
        if not step.name.startswith(Way.SHADOW)
        else _("Stopped: no more questions are copied. Resumed, the comparison begins anew."),
        icon=":material/pause_circle:",
    )


def _show_held(workspace: Workspace, release: Release, step: Step) -> None:
    """What it waits for, and the way on; the way back is the release's own *Stop*."""
    if step.name == release.harmed:
        st.warning(_worse(step), icon=":material/undo:")
    if step.name == release.unanswered:
        st.warning(
            _(
                "It waits: the new version never answered {n} copies, which is more than {percent} % of the answered ones. "
                "Look at its state on the Endpoints screen. Stop ends the shadow, and nobody has met the new version; "
                "resumed, it begins anew. Going on leaves those copies out; harm that is shown still counts.",
                n=step.handle["copies"]["unanswered"],
                percent=round(looking.MOST_UNANSWERED * 100),
            ),
            icon=":material/pause_circle:",
        )
    if step.name not in (release.harmed, release.unanswered):
        return
    may = audit.allowed(workspace, Verb.START_RELEASE)
    st.text_input(_("Reason"), key=_key(release), disabled=not may, placeholder=_("Why may it go on?"))
    st.button(_("Go on anyway"), key="go-on", on_click=_go_on, args=(workspace, release.id), disabled=not may)


def _worse(step: Step) -> str:
    if step.name.startswith(Way.SHADOW):
        return _(
            "The new version does worse. Stop ends the copies; nobody has met the new version. The copies go on until then."
        )
    return _(
        "The new version does worse: take it back. Stop ends the canary and lets the live version answer everyone; "
        "the share stays as it is until then."
    )


def _show_choice(workspace: Workspace, release: Release, step: Step) -> None:
    """After an A/B test, what somebody chooses; both versions answer until then."""
    if release.choosing != step.name:
        return
    st.info(
        _(
            "The test has its answers. Both versions go on answering their shares until somebody chooses. Moving all the "
            "traffic passes the interlocks again and is proven; keeping the live version ends this release."
        ),
        icon=":material/balance:",
    )
    may = audit.allowed(workspace, Verb.START_RELEASE)
    st.text_input(_("Reason"), key=f"choose-{release.id}", disabled=not may, placeholder=_("What speaks for it?"))
    with st.container(horizontal=True):
        for choice, label in (
            (releases.KEEP, _("Keep the live version")),
            (releases.MOVE, _("Move all traffic to the new version")),
        ):
            st.button(
                label,
                key=f"choose-{choice}",
                on_click=_choose,
                args=(workspace, release.id, choice),
                disabled=not may,
            )


def _choose(workspace: Workspace, id: int, choice: str) -> None:
    done = (
        Message("All the traffic moves to the new version.")
        if choice == releases.MOVE
        else Message("The live version is kept and answers everyone again.")
    )
    with feedback.action(done):
        releases.choose(workspace, id, choice, str(st.session_state.get(f"choose-{id}", "")))


def _go_on(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("The release goes on.")):
        releases.go_on(workspace, id, str(st.session_state.get(f"go-on-{id}", "")))


def _key(release: Release) -> str:
    return f"go-on-{release.id}"
