"""What was found out before the start, what it will take, and the button."""

from collections.abc import Callable

import streamlit as st

from pages.components import session
from services import audit, evaluations
from services.audit import Verb
from services.evaluations import estimate, preflight
from services.evaluations.estimate import Estimate
from services.evaluations.preflight import NOTE, OK, STOP, Check, Order
from services.workspace import Workspace

_ = session.text
ICONS = {STOP: ":material/block:", NOTE: ":material/info:"}


def show(workspace: Workspace, order: Order, start: Callable[[Order], None]) -> None:
    """Everything that was found, at once, before the button."""
    with st.spinner(_("Checking the model, the judge and the questions")):
        found = preflight.look(workspace, order)
    stopped = any(check.level == STOP for check in found)
    for check in found:
        if check.level != OK:
            _finding(check)
    if stopped:
        st.button(
            _("Check again"), icon=":material/refresh:", key="check-again", on_click=preflight.forget, args=(workspace,)
        )
    else:
        st.caption(session.joined(*(session.escape(session.say(check.found)) for check in found if check.level == OK)))
        st.caption(_estimate(estimate.of(workspace, order, evaluations.all(workspace, 50))))
    nothing = order.source.kind == "agent" and not order.agent
    st.button(
        _("Start evaluation"),
        type="primary",
        key="start",
        on_click=start,
        args=(order,),
        disabled=stopped or nothing or not audit.allowed(workspace, Verb.EVALUATE),
    )


def _finding(check: Check) -> None:
    parts = [session.escape(session.say(part)) for part in (check.found, check.mend) if part]
    box = st.error if check.level == STOP else st.warning
    with st.container(horizontal=True, vertical_alignment="center"):
        box("  \n".join(parts), icon=ICONS[check.level])
        if check.screen:
            st.page_link(session.page(check.screen), label=_title(check.screen), icon=":material/arrow_forward:")


def _title(screen: str) -> str:
    titles = {
        "agents": _("Open Agents"),
        "apps": _("Open Apps"),
        "datasets": _("Open Datasets"),
        "endpoints": _("Open Endpoints"),
        "releases": _("Open Releases"),
        "scorers": _("Open Scorers"),
    }
    return titles[screen]


def _estimate(made: Estimate) -> str:
    """One line; it says that it is an estimate and what it rests on."""
    minutes = round(made.seconds / 60)
    rests = (
        _("From the newest evaluation of this agent.") if made.measured else _("Guessed from the length of the texts.")
    )
    told = _(
        "Estimate: {asked}, {judged}, {time}, {cost}. {rests}",
        asked=_("{n} {n:question|questions}", n=made.calls)
        if made.calls
        else _("{n} {n:answer|answers} without asking again", n=made.lines),
        judged=_("{n} {n:judgement|judgements} by a model", n=made.judgements)
        if made.judgements
        else _("no judgements by a model"),
        time=_("about {n} {n:minute|minutes}", n=minutes) if made.seconds >= 60 else _("less than a minute"),
        cost=_cost(made),
        rests=rests if made.calls or made.judgements else "",
    )
    return session.escape(told.strip())


def _cost(made: Estimate) -> str:
    if not made.told:
        return _("only the agent's code knows its model and what that costs")
    if made.unpriced:
        return _("the price of {models} is not known", models=_(", ").join(made.unpriced))
    if not made.cost:
        return _("free of charge")
    return _("about {cost}", cost=session.money(made.cost))
