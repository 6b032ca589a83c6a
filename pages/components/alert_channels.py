"""Where an app's alerts go besides the console, and a test of each way."""

import streamlit as st

from pages.components import feedback, session
from pages.components.alert_form import CHANNEL
from services import alerts, audit
from services.alerts import Channels
from services.audit import Verb
from services.messages import LANGUAGES, Message
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace) -> None:
    version = alerts.channels_version(workspace)
    now, missing = alerts.channels(workspace), alerts.missing(workspace)
    may = audit.allowed(workspace, Verb.CHOOSE_CHANNELS)
    st.markdown(_("Alerts always show here, on Home and on Monitoring. They can go further:"))
    _show_webhook(workspace, now, missing.get("webhook"), may)
    _show_slack(workspace, now, missing.get("slack"), may)
    _show_mail(workspace, now, missing.get("email"), may)
    st.radio(
        _("Language of what is sent"),
        list(LANGUAGES),
        list(LANGUAGES).index(now.language if now.used else session.language()),
        format_func=LANGUAGES.__getitem__,
        key=_key(workspace, "language"),
        horizontal=True,
        disabled=not may,
    )
    st.button(
        _("Save where alerts go"),
        key="save-channels",
        type="primary",
        on_click=_save,
        args=(workspace, version),
        disabled=not may,
    )
    _show_tests(workspace, now, may)


def _show_webhook(workspace: Workspace, now: Channels, missing: Message | None, may: bool) -> None:
    st.checkbox(
        _("Signed webhook of the app"),
        now.webhook,
        key=_key(workspace, "webhook"),
        # What is chosen can be taken back, also when its address is gone.
        disabled=not may or (missing is not None and not now.webhook),
    )
    if missing:
        _why(missing)


def _show_slack(workspace: Workspace, now: Channels, missing: Message | None, may: bool) -> None:
    names = ["", *workspace.settings.outgoing.slack]
    st.selectbox(
        _("Slack, or a chat that takes the same messages"),
        names,
        names.index(now.slack) if now.slack in names else 0,
        format_func=lambda one: one or _("not used"),
        key=_key(workspace, "slack"),
        disabled=not may or missing is not None,
        width=420,
    )
    if missing:
        _why(missing)


def _show_mail(workspace: Workspace, now: Channels, missing: Message | None, may: bool) -> None:
    st.text_area(
        _("E-mail addresses, one on each line"),
        "\n".join(now.email),
        key=_key(workspace, "email"),
        height=100,
        width=420,
        disabled=not may or (missing is not None and not now.email),
    )
    if missing:
        _why(missing)


def _why(missing: Message) -> None:
    st.caption(session.escape(say(missing)))


def _show_tests(workspace: Workspace, now: Channels, may: bool) -> None:
    if not now.used:
        return
    st.header(_("Does it arrive?"), anchor=False)
    with st.container(horizontal=True):
        for name in now.used:
            st.button(
                _("Send a test by {channel}", channel=_(CHANNEL[name])),
                key=f"test-{name}",
                on_click=_test,
                args=(workspace, name),
                disabled=not may,
            )
    if started := st.session_state.get(_key(workspace, "test")):
        feedback.job(started, Message("The test was taken. Look whether it arrived."))


def _save(workspace: Workspace, version: int) -> None:
    given = {name: st.session_state[_key(workspace, name)] for name in ("webhook", "slack", "email", "language")}
    email = tuple(dict.fromkeys(line.strip() for line in given["email"].splitlines() if line.strip()))
    with feedback.action(Message("Saved where alerts go.")):
        wanted = Channels(given["webhook"], given["slack"] or "", email, given["language"])
        alerts.save_channels(workspace, wanted, version)


def _test(workspace: Workspace, name: str) -> None:
    with feedback.action(Message("A test is on its way.")):
        st.session_state[_key(workspace, "test")] = alerts.tell_test(workspace, name).id


def _key(workspace: Workspace, name: str) -> str:
    return f"channel-{name}/{workspace.app.id}"
