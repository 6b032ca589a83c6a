"""How the app's canaries go: the shares, what must pass before the next one, and what harm leads to."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.messages import Message
from services.releases import canary
from services.releases.plan import ACTION, Action, Part, Plan, Way
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """The app's plan as a form."""
    now, may = canary.plan(workspace), audit.allowed(workspace, Verb.SAVE_GATE)
    st.caption(
        _(
            "A canary gives a new agent version a part of the live traffic first, a shadow copies of questions, and an A/B "
            "test a fixed share until somebody chooses. Each lasts until both the answers of the new version and the minutes "
            "are reached."
        )
    )
    edited = st.data_editor(
        [{name: value for name, value in asdict(one).items() if name != "way"} for one in now.parts],
        num_rows="dynamic",
        placeholder="",
        disabled=not may,
        key=_key(workspace, "parts"),
        column_config={
            "percent": st.column_config.NumberColumn(_("Share of the traffic (%)"), min_value=1, max_value=95, step=1),
            "answers": st.column_config.NumberColumn(_("Answers of the new version"), min_value=1, step=1),
            "minutes": st.column_config.NumberColumn(_("Minutes at least"), min_value=0, step=1, default=0),
        },
    )
    _show_part(workspace, now.shadow, _("Shadow: copies of questions (%)"), 100, may)
    _show_part(workspace, now.test, _("A/B test: share of the new version (%)"), 95, may)
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


def _show_part(workspace: Workspace, now: Part, label: str, most: int, may: bool) -> None:
    """The numbers of the app's shadows or A/B tests, in one line."""
    shown = (
        ("percent", label, 1, most, now.percent),
        ("answers", _("Answers of the new version"), 1, None, now.answers),
        ("minutes", _("Minutes at least"), 0, None, now.minutes),
    )
    for column, (name, said, least, top, value) in zip(st.columns(3), shown, strict=True):
        column.number_input(said, least, top, value, key=_key(workspace, f"{now.way}-{name}"), disabled=not may, step=1)


def _given(workspace: Workspace, way: Way) -> Part:
    percent, answers, minutes = (
        int(st.session_state[_key(workspace, f"{way}-{name}")]) for name in ("percent", "answers", "minutes")
    )
    return Part(percent, answers, minutes, way)


def _save(workspace: Workspace, rows: list[dict[str, Any]]) -> None:
    parts = tuple(
        Part(int(row.get("percent") or 0), int(row.get("answers") or 0), int(row.get("minutes") or 0)) for row in rows
    )
    action, alarm = (st.session_state[_key(workspace, name)] for name in ("action", "alarm"))
    own = _given(workspace, Way.SHADOW), _given(workspace, Way.TEST)
    with feedback.action(Message("Saved how canaries go. It counts from the next proposal on.")):
        canary.save_plan(workspace, Plan(parts, action, float(alarm) / 100, *own))


def _key(workspace: Workspace, name: str) -> str:
    return f"canary-{name}/{workspace.app.id}"
