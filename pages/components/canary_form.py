"""How the app's canaries go: the shares, what must pass before the next one, and what harm leads to."""

from dataclasses import asdict

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.messages import Message
from services.releases import canary
from services.releases.plan import ACTION, Action, Part, Plan
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """The app's plan as a form."""
    now, may = canary.plan(workspace), audit.allowed(workspace, Verb.SAVE_GATE)
    st.caption(
        _(
            "A canary gives a new agent version a part of the live traffic first. Each part lasts until both the answers "
            "of the new version and the minutes are reached."
        )
    )
    edited = st.data_editor(
        [asdict(one) for one in now.parts],
        num_rows="dynamic",
        disabled=not may,
        key=_key(workspace, "parts"),
        column_config={
            "percent": st.column_config.NumberColumn(_("Share of the traffic (%)"), min_value=1, max_value=95, step=1),
            "answers": st.column_config.NumberColumn(_("Answers of the new version"), min_value=1, step=1),
            "minutes": st.column_config.NumberColumn(_("Minutes at least"), min_value=0, step=1, default=0),
        },
    )
    st.radio(
        _("When the new version does worse"),
        list(Action),
        index=list(Action).index(now.action),
        format_func=lambda action: _(ACTION[action]),
        key=_key(workspace, "action"),
        disabled=not may,
    )
    st.number_input(
        _("Chance of a false alarm in one canary (%)"),
        0.1,
        20.0,
        now.alarm * 100,
        step=0.5,
        key=_key(workspace, "alarm"),
        width=320,
        disabled=not may,
    )
    st.button(
        _("Save the canary's plan"),
        type="primary",
        key="save-canary",
        on_click=_save,
        args=(workspace, edited),
        disabled=not may,
    )


def _save(workspace: Workspace, rows: list[dict[str, int | None]]) -> None:
    parts = tuple(Part(*(int(row.get(name) or 0) for name in ("percent", "answers", "minutes"))) for row in rows)
    action, alarm = (st.session_state[_key(workspace, name)] for name in ("action", "alarm"))
    with feedback.action(Message("Saved how canaries go. It counts from the next proposal on.")):
        canary.save_plan(workspace, Plan(parts, action, float(alarm) / 100))


def _key(workspace: Workspace, name: str) -> str:
    return f"canary-{name}/{workspace.app.id}"
