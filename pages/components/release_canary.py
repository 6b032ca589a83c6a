"""The canary of a release: how the two versions do beside each other, and going on although harm was shown."""

import streamlit as st

from pages.components import feedback, session
from services import audit, releases
from services.audit import Verb
from services.messages import Message
from services.releases import Release, Step, canary
from services.releases.canary import Measure
from services.releases.plan import STEP, Action
from services.workspace import Workspace

_, say = session.text, session.say


def title(step: Step) -> str:
    """What a step of the canary is called on the page."""
    return _("Canary: {n} % of the traffic", n=step.name.removeprefix(STEP))


def show(workspace: Workspace, release: Release) -> None:
    """Nothing for a release without a canary, or before it has begun."""
    seen = [one for one in release.steps if one.name.startswith(STEP) and one.handle.get("measures")]
    if not seen:
        return
    found = [Measure(**one) for one in seen[-1].handle["measures"]]
    with st.container(border=True):
        st.markdown(f"**{_('The two versions beside each other')}**")
        _show_table(found)
        st.caption(
            _(
                "Shares of good answers since the canary began; the first answer of each conversation counts. Evidence "
                "of {line} shows harm: looked at after every answer, it reaches that by chance in {alarm} % of canaries "
                "at most.",
                line=round(found[0].line),
                alarm=f"{(release.canary.alarm if release.canary else 0) * 100:g}",
            )
        )
        _show_harm(workspace, release, seen[-1], found)


def _show_table(found: list[Measure]) -> None:
    st.dataframe(
        [
            {
                _("Compared in"): _(one.name) if one.name in canary.NAMED else one.name,
                _("New version"): _share(one.share, one.answers),
                _("Live version"): _share(one.other_share, one.other_answers),
                _("Evidence of harm"): one.evidence,
                _("Harm shown"): _("yes") if one.harmful else _("no"),
            }
            for one in found
        ],
        hide_index=True,
    )


def _share(share: float | None, answers: int) -> str:
    return "–" if share is None else _("{share} of {n}", share=f"{share:.0%}", n=answers)


def _show_harm(workspace: Workspace, release: Release, step: Step, found: list[Measure]) -> None:
    waits = (
        release.canary is not None and release.canary.action is Action.RECOMMEND and step.name not in release.overruled
    )
    if not (waits and release.working and any(one.harmful for one in found)):
        return
    st.warning(
        _(
            "The new version does worse: take it back. Stop ends the canary and lets the live version answer everyone; "
            "the share stays as it is until then."
        ),
        icon=":material/undo:",
    )
    may = audit.allowed(workspace, Verb.START_RELEASE)
    st.text_input(_("Reason"), key=_key(release), disabled=not may, placeholder=_("Why may it go on?"))
    st.button(_("Go on anyway"), key="go-on", on_click=_go_on, args=(workspace, release.id), disabled=not may)


def _go_on(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("The canary goes on.")):
        releases.go_on(workspace, id, str(st.session_state.get(f"go-on-{id}", "")))


def _key(release: Release) -> str:
    return f"go-on-{release.id}"
