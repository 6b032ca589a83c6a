"""What is different in the form of a new queue where people judge in a workspace's Review App."""

import streamlit as st

from pages.components import feedback, session
from services.errors import ConsoleError
from services.platforms.databricks.labeling import sessions
from services.workspace import Workspace

_ = session.text
WHERE, KNOWN, PEOPLE = "queue-where", "queue-schemas", "queue-assigned"


def show_where(workspace: Workspace) -> bool:
    """Whether people judge in the workspace's Review App; where there is none, nothing is asked."""
    if workspace.settings.databricks is None:
        return False
    said = {False: _("Here, at the review desk"), True: _("In the Review App of the workspace")}
    chosen = st.radio(_("Where people judge"), list(said), format_func=said.__getitem__, key=WHERE, horizontal=True)
    if chosen:
        st.caption(
            _(
                "The Review App is for people of the workspace who do not use this console. It shows the question, the answer "
                "and the steps between; custom inputs of a request it cannot show."
            )
        )
    return bool(chosen)


def show_known(workspace: Workspace) -> None:
    """What the Review App can ask already; when it does not answer, what is typed above is enough."""
    try:
        known = sessions.schemas(workspace)
    except ConsoleError as error:
        feedback.show_error(error)
        return
    st.multiselect(
        _("Also ask what the Review App can ask already"),
        list(known),
        format_func=lambda name: name if known[name] == name else f"{known[name]} ({name})",
        key=KNOWN,
        placeholder=_("nothing more"),
    )
    st.caption(
        _(
            "There “passes or not” is answered by yes or no, nothing must be said, and what is asked cannot be changed any more "
            "once other sessions ask it."
        )
    )


def show_people(known: list[str]) -> None:
    """Who judges; `known` are people who could."""
    st.multiselect(
        _("People"),
        [one for one in known if "@" in one],
        key=PEOPLE,
        accept_new_options=True,
        placeholder=_("E-mails as the workspace knows them"),
    )
    st.caption(
        _("Each of them gets the right CAN_EDIT on the experiment, without which the Review App lets nobody in.")
    )
