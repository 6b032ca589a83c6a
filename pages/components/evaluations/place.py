"""Where an evaluation runs: here, or, when it is large, on the workspace; nothing is shown where there is no choice."""

from dataclasses import replace

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.evaluations import where
from services.evaluations.preflight import Order
from services.evaluations.where import AWAY, HERE
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def choose(workspace: Workspace, order: Order) -> Order:
    """The order with the place that was chosen; a large one goes to the workspace unless somebody says otherwise."""
    offered = where.offer(workspace, order)
    if offered is None:
        return order
    if offered.refused:
        reason = session.escape(session.say(offered.refused))
        st.info(_("It is large, and still has to run here. {reason}", reason=reason))
        return order
    labels = {AWAY: _("Run it on the workspace"), HERE: _("Run it here")}
    chosen = st.segmented_control(
        _("Where it runs"),
        list(labels),
        default=AWAY,
        required=True,
        format_func=labels.__getitem__,
        key=f"evaluate-where-{workspace.app.id}",
    )
    if chosen == HERE:
        st.caption(_("In the console's own worker, at no further cost. It pauses while the console is stopped."))
    else:
        st.caption(
            _(
                "As one run of a Databricks job on serverless compute, which the workspace charges for. It begins after a "
                "few minutes and goes on when this console is closed or started again."
            )
        )
    return replace(order, where=str(chosen or AWAY))


def threshold(workspace: Workspace) -> None:
    """From when on an evaluation is large, to be seen and changed."""
    if workspace.platform.compute is None:
        return
    key = f"evaluate-large-{workspace.app.id}"
    st.number_input(
        _("Large from so many questions"),
        1,
        where.MOST,
        where.large_from(workspace),
        key=key,
        on_change=_save,
        args=(key,),
        disabled=not audit.allowed(workspace, Verb.SAVE_LARGE),
        help=_(
            "Each question counts as often as it is asked. From this number on the workspace is offered to run the evaluation; "
            "the number holds for everyone in this app."
        ),
    )


def run_page(page: str, key: str) -> None:
    """The way to the run on the workspace, for an evaluation that has one."""
    if page:
        st.link_button(_("Open the run on Databricks"), page, icon=":material/open_in_new:", key=key)


def _save(key: str) -> None:
    workspace, lines = session.workspace(), int(st.session_state[key])
    with feedback.action(Message("Evaluations are large from {n} questions on.", n=lines)):
        where.save_large_from(workspace, lines)
