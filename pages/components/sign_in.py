"""The screen before the screens: sign in, or read why this person may not enter; and the way out."""

import logging
import os

import streamlit as st

from pages.components import feedback, session
from services import people, settings
from services.errors import ConsoleError, SignInError
from services.messages import Message
from services.oidc import EARLIER

log = logging.getLogger("signalbox.web")
_ = session.text


def show(error: SignInError) -> None:
    """What is asked of somebody who is not let in."""
    if session.platform().settings.identity != "oidc":
        feedback.show_error(error)
        return
    session.set_page_language()
    if error.again and EARLIER in st.context.cookies:
        error = people.over()
    failed = st.query_params.get("sign_in") == "failed"
    with st.container(width=560):
        st.title(_("Sign in"), anchor=False)
        if failed:
            feedback.show_error(_failure())
        elif error.remedy is None:
            st.write(session.say(error.message))
        else:
            feedback.show_error(error)
        if error.again:
            st.button(_("Sign in"), key="sign-in", type="primary", icon=":material/login:", on_click=st.login)
        else:
            st.button(_("Sign in as somebody else"), key="sign-in-again", icon=":material/logout:", on_click=st.logout)
        if not error.again or failed:
            st.caption(_("Whoever looks after this console finds help in docs/signing_in.md."))


def show_trouble(error: ConsoleError) -> None:
    """What keeps the console from opening: it may name places, which are for people who have signed in."""
    try:
        people.identify(settings.load(os.environ), st.context.headers, st.user.to_dict())
    except ConsoleError:
        log.error("%s", error)
        error = ConsoleError(
            Message("The console cannot be opened right now."),
            Message("Try again in a minute. The reason stands in the console's log."),
        )
    feedback.show_error(error)


def show_sign_out() -> None:
    """In the side bar, where people sign in by themselves."""
    if session.platform().settings.identity == "oidc":
        st.sidebar.button(_("Sign out"), key="sign-out", type="tertiary", icon=":material/logout:", on_click=_sign_out)


def show_roles_trouble() -> None:
    """Tells admins that the roles file is broken: the roles of before stay in force until somebody mends it."""
    roles = people.roles_file(session.platform().settings)
    if roles.trouble is not None and people.Role.ADMIN in session.actor().roles:
        since = Message("The roles as they were at {time} stay in force.", time=session.moment(roles.read_at))
        feedback.show_error(ConsoleError(roles.trouble, since))


def _sign_out() -> None:
    with feedback.action(Message("Signed out.")):
        people.sign_out(session.workspace())
        st.logout()


def _failure() -> ConsoleError:
    return ConsoleError(
        Message("The sign-in did not work."),
        Message("Try again; if it stays, ask {whom}.", whom=people.contact(session.platform().settings)),
    )
