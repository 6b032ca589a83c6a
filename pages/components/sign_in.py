"""The screen before the screens: sign in, or read why this person may not enter; and the way out."""

import streamlit as st

from pages.components import feedback, session
from services import people
from services.errors import ConsoleError, SignInError
from services.messages import Message

_ = session.text


def show(error: SignInError) -> None:
    """What is asked of somebody who is not let in."""
    if session.platform().settings.identity != "oidc":
        feedback.show_error(error)
        return
    session.set_page_language()
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


def show_sign_out() -> None:
    """In the side bar, where people sign in by themselves."""
    if session.platform().settings.identity == "oidc":
        st.sidebar.button(_("Sign out"), key="sign-out", type="tertiary", icon=":material/logout:", on_click=_sign_out)


def show_roles_trouble() -> None:
    """Tells admins that the roles file is broken: the roles of before stay in force until somebody mends it."""
    settings, actor = session.platform().settings, session.actor()
    roles = people.roles_file(settings)
    if roles.trouble is not None and people.Role.ADMIN in actor.roles:
        since = Message("The roles as they were at {time} stay in force.", time=session.moment(roles.read_at))
        feedback.show_error(ConsoleError(roles.trouble, since))


def _sign_out() -> None:
    with feedback.action(Message("Signed out.")):
        people.sign_out(session.workspace())
        st.logout()


def _failure() -> ConsoleError:
    return ConsoleError(
        Message("The sign-in did not work."),
        Message("Try again; if it stays, ask {whom}.", whom=people.whom_to_ask(session.platform().settings)),
    )
