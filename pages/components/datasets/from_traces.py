"""Questions from traces: say which, see them, take some."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from pages.components import feedback, session, tables
from pages.components.datasets import offered
from services.datasets import Row
from services.datasets.gathering import MOST, Choice, Harvest, How, gather, scorers_that_failed
from services.errors import ConsoleError
from services.messages import mark
from services.workspace import Workspace

HOURS = {
    24.0: mark("Last day"),
    24.0 * 7: mark("Last 7 days"),
    24.0 * 30: mark("Last 30 days"),
    24.0 * 365: mark("Last year"),
}
HOW = {
    How.NEWEST: mark("The newest"),
    How.RANDOM: mark("Some at random"),
    How.SESSIONS: mark("Whole conversations"),
}
WHICH = {
    "all": mark("All answers"),
    "complaint": mark("People said it did not help"),
    "errors": mark("The agent failed"),
}
FRESH_SECONDS = 30.0
_ = session.text


def show(workspace: Workspace, form: str) -> list[Row] | None:
    """The rows that are taken; None when nothing was looked for yet."""
    key = f"{form}-traces"
    _show_choice(workspace, key)
    found: Harvest | ConsoleError | None = st.session_state.get(f"{key}-found")
    if isinstance(found, ConsoleError):
        feedback.show_error(found)
        return None
    if found is None:
        return None
    return _show_found(found, key)


def forget(form: str) -> None:
    """What was found is written: it is offered no more."""
    st.session_state.pop(f"{form}-traces-found", None)


def _show_choice(workspace: Workspace, key: str) -> None:
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(_("Which ones"), list(HOW), format_func=lambda one: _(HOW[one]), key=f"{key}-how", width=200)
        st.number_input(_("How many"), 1, MOST, 20, key=f"{key}-n", width=130)
        st.selectbox(
            _("Period"), list(HOURS), index=1, format_func=lambda one: _(HOURS[one]), key=f"{key}-hours", width=170
        )
        st.selectbox(_("Only"), list(WHICH), format_func=lambda one: _(WHICH[one]), key=f"{key}-which", width=270)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        failed = _failed(workspace, key, state.get(f"{key}-hours") or 24.0 * 7)
        st.selectbox(
            _("Failed by the scorer"), failed, index=None, key=f"{key}-scorer", placeholder=_("Any"), width=230
        )
        st.text_input(_("With these words"), key=f"{key}-text", width=270)
        st.toggle(
            _("Live traffic only"),
            value=True,
            key=f"{key}-live",
            help=_("Without it, questions tried by hand, probes and evaluations count too."),
        )
        st.button(_("Find"), key=f"{key}-find", icon=":material/search:", on_click=_find, args=(workspace, key))


def _failed(workspace: Workspace, key: str, hours: float) -> list[str]:
    """Thousands of traces are read for this choice: its answer is kept for some seconds, by app and source."""
    source = (workspace.app.id, workspace.app.experiment_id, workspace.settings.tracking_uri, hours)
    known = st.session_state.get(f"{key}-failed")
    if known is None or known[0] != source or time.monotonic() - known[1] > FRESH_SECONDS:
        known = st.session_state[f"{key}-failed"] = (source, time.monotonic(), scorers_that_failed(workspace, hours))
    found: list[str] = known[2]
    return found


def _find(workspace: Workspace, key: str) -> None:
    said = st.session_state
    choice = Choice(
        how=said[f"{key}-how"],
        n=said[f"{key}-n"],
        hours=said[f"{key}-hours"],
        text=said[f"{key}-text"],
        complaint=said[f"{key}-which"] == "complaint",
        errors=said[f"{key}-which"] == "errors",
        failed_scorer=said[f"{key}-scorer"] or "",
        live_only=said[f"{key}-live"],
    )
    said[f"{key}-turn"] = said.get(f"{key}-turn", 0) + 1
    try:
        said[f"{key}-found"] = gather(workspace, choice)
    except ConsoleError as error:
        said[f"{key}-found"] = error


def _show_found(found: Harvest, key: str) -> list[Row] | None:
    if not found.found:
        told = [_("No trace fits. Look at a longer time, or take a condition away.")]
        if st.session_state.get(f"{key}-live"):
            told.append(_("Answers tried by hand and those of evaluations are found without “Live traffic only”."))
        st.info(session.joined(*told))
        return None
    told = [_("found: {n}", n=len(found.found)), _("fitting traces or conversations: {n}", n=found.matching)]
    if found.capped:
        told.append(_("older ones were not looked at"))
    st.caption(" · ".join(told))
    with_answers = st.toggle(
        _("Take the answers as expected answers"),
        key=f"{key}-answers",
        help=_("Only if somebody has read them: what an agent said once is not yet right."),
    )
    rows = [
        replace(one.row, expected=one.answer) if with_answers and not one.row.expected else one.row
        for one in found.found
    ]
    notes = [
        f"{session.moment(datetime.fromtimestamp(one.at / 1000, UTC))} {tables.cell(one.answer)}" for one in found.found
    ]
    grid = f"{key}-grid-{st.session_state.get(f'{key}-turn', 0)}-{with_answers}"
    return offered.show(grid, rows, notes, _("What was answered"), taken=True)
