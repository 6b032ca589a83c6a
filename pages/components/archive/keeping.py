"""How long archive and MLflow keep traces, bringing some back, and deleting the archive."""

from datetime import date, timedelta

import streamlit as st

from pages.components import feedback, session
from pages.components.archive.controls import key
from services import archive, audit
from services.archive import LEAST_IN_MLFLOW, State
from services.audit import Verb
from services.messages import Message
from services.workspace import Workspace

_ = session.text

YEAR = 365


def show(workspace: Workspace, now: State) -> None:
    with st.expander(_("How long traces are kept")):
        _ages(workspace, now)
    with st.expander(_("Bring traces back to MLflow")):
        _back(workspace, now)
    with st.expander(_("Delete the archive")):
        _delete(workspace)


def _ages(workspace: Workspace, now: State) -> None:
    """Nothing is lost by age until somebody chooses so."""
    may, plan = audit.allowed(workspace, Verb.CHANGE_ARCHIVE_AGES), now.plan
    ends = st.checkbox(
        _("The archive drops old days"), plan.keep_days is not None, key=key(workspace, "ends"), disabled=not may
    )
    if ends:
        days = st.number_input(
            _("Days in the archive"),
            1,
            100 * YEAR,
            plan.keep_days or YEAR,
            key=key(workspace, "keep"),
            disabled=not may,
        )
        _warn(archive.older(workspace, int(days)))
    leaves = st.checkbox(
        _("MLflow loses old traces that are archived"),
        plan.mlflow_days is not None,
        key=key(workspace, "leaves"),
        disabled=not may,
        help=_("Each only when the archive has it word for word. Charts, searches and reviews end there, too."),
    )
    if leaves:
        st.number_input(
            _("Days in MLflow"),
            LEAST_IN_MLFLOW,
            100 * YEAR,
            plan.mlflow_days or LEAST_IN_MLFLOW,
            key=key(workspace, "mlflow"),
            disabled=not may,
        )
        st.caption(
            _(
                "What anybody deletes in MLflow after that many days stays in the archive. Deleting for good, for "
                "personal data, still reaches both."
            )
        )
    st.button(_("Save"), key="save-ages", on_click=_save, args=(workspace,), disabled=not may)


def _warn(older: int) -> None:
    """Nobody brings back what the archive drops, unless MLflow still has it."""
    if older:
        st.warning(
            _(
                "{n} {n:trace is|traces are} older: soon after you save, the archive deletes {n:it|them} for good. What MLflow "
                "still has stays there.",
                n=older,
            )
        )


def _save(workspace: Workspace) -> None:
    asked = st.session_state
    keep = int(asked[key(workspace, "keep")]) if asked[key(workspace, "ends")] else None
    mlflow = int(asked[key(workspace, "mlflow")]) if asked[key(workspace, "leaves")] else None
    with feedback.action(Message("Saved how long traces are kept.")):
        archive.change_ages(workspace, keep, mlflow)


def _back(workspace: Workspace, now: State) -> None:
    may = audit.allowed(workspace, Verb.PUT_TRACES_BACK)
    st.markdown(
        _(
            "Traces of these days that MLflow has no more are written into it again, with the same ids, times, steps and "
            "verdicts. They stay for 30 days; then the rule above applies to them again."
        )
    )
    lost = _lost(now)
    if lost:
        st.caption(_("MLflow lost traces of {first} to {last} by age.", first=lost[0], last=lost[1]))
    else:
        st.caption(_("MLflow has lost nothing by age so far."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.date_input(
            _("First and last day (UTC)"),
            lost or [],
            now.oldest.date() if now.oldest else None,
            now.newest.date() if now.newest else None,
            key=key(workspace, "days"),
            disabled=not may,
        )
        st.button(
            _("Bring back"),
            key="put-back",
            on_click=_put_back,
            args=(workspace,),
            disabled=not (may and st.session_state.get(key(workspace, "days"))),
        )


def _lost(now: State) -> tuple[date, date] | None:
    """The first and the last day that the archive has and MLflow lost by age; None where it lost nothing."""
    if now.oldest is None or now.plan.lost_before is None:
        return None
    first, last = now.oldest.date(), date.fromisoformat(now.plan.lost_before) - timedelta(days=1)
    return (first, last) if first <= last else None


def _put_back(workspace: Workspace) -> None:
    days: list[date] = list(st.session_state[key(workspace, "days")])
    with feedback.action(Message("The traces are being brought back.")):
        archive.put_back(workspace, days[0], days[-1])


def _delete(workspace: Workspace) -> None:
    may = audit.allowed(workspace, Verb.ERASE_ARCHIVE)
    st.markdown(
        _(
            "The table and all its files are deleted. What MLflow has can be copied again; what MLflow lost by age is "
            "gone for good."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        why = st.text_input(_("Reason"), key=key(workspace, "why"), disabled=not may)
        st.button(
            _("Delete the archive"),
            key="delete-archive",
            on_click=_erase,
            args=(workspace,),
            disabled=not (may and why.strip()),
        )


def _erase(workspace: Workspace) -> None:
    with feedback.action(Message("The archive is deleted.")):
        archive.delete(workspace, st.session_state[key(workspace, "why")])
