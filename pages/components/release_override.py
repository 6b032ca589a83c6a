"""Letting a held release pass: one person asks with a reason, a second one confirms, and it stays marked."""

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.interlocks import Light
from services.messages import Message
from services.releases import Release, overriding
from services.releases.overriding import Override
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, release: Release) -> None:
    """The mark of an override, the second person's button, or the way to ask for one."""
    given = overriding.of(workspace, release) if release.judged else None
    if given is not None and given.confirmed_by is not None:
        st.warning(_told(given), icon=":material/gpp_maybe:")
    elif given is not None and release.checkable:
        _show_waiting(workspace, release, given)
    elif release.checkable and any(one.light is Light.RED for one in release.findings):
        _show_ask(workspace, release)


def _told(given: Override) -> str:
    return _(
        "Overridden interlocks: {numbers}. {first} asked {time}, {second} confirmed. Reason: {why}",
        numbers=", ".join(map(str, sorted(given.numbers))),
        first=session.escape(given.asked_by),
        second=session.escape(given.confirmed_by or "–"),
        time=session.moment(given.at),
        why=session.escape(given.why),
    )


def _show_waiting(workspace: Workspace, release: Release, given: Override) -> None:
    with st.container(border=True):
        st.markdown(
            _(
                "**{person} asks for an override. Interlocks: {numbers}.** Reason: {why}",
                person=session.escape(given.asked_by),
                numbers=", ".join(map(str, sorted(given.numbers))),
                why=session.escape(given.why),
            )
        )
        own = given.asked_by == workspace.actor.id
        st.caption(
            _("It waits for a second person who may approve releases.")
            if own
            else _(
                "With your confirmation it may start although they are red. Both names stay with the release for ever."
            )
        )
        may = audit.allowed(workspace, Verb.CONFIRM_OVERRIDE) and not own
        st.button(
            _("Confirm the override"),
            key="confirm-override",
            on_click=_confirm,
            args=(workspace, release.id),
            disabled=not may,
        )


def _show_ask(workspace: Workspace, release: Release) -> None:
    may = audit.allowed(workspace, Verb.ASK_OVERRIDE)
    with st.popover(_("Override"), icon=":material/gpp_maybe:", key=f"open-override-{release.id}", disabled=not may):
        st.markdown(
            _(
                "Only when waiting does more harm: a second person must confirm it, and the release, its evidence and the "
                "audit log carry both names and your reason for ever."
            )
        )
        st.text_input(_("Reason"), key=f"override-{release.id}")
        st.button(_("Ask for an override"), key="ask-override", on_click=_ask, args=(workspace, release.id))


def _ask(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Asked: it waits for a second person.")):
        overriding.ask(workspace, id, str(st.session_state.get(f"override-{id}", "")))


def _confirm(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Confirmed: the release may start.")):
        overriding.confirm(workspace, id)
