"""What production decides about an agent: environment variables it gets, and settings of its own that are overridden."""

import streamlit as st

from pages.components import feedback, session
from services import apps, audit
from services.apps import Environment, Stage
from services.audit import Verb
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    """Two tables of names and values; they count from the next deployment on."""
    now, may = apps.environments_of(workspace)[Stage.PRODUCTION], audit.allowed(workspace, Verb.UPDATE_APP)
    st.caption(
        _(
            "What every agent version gets when it is deployed to production. It counts from the next deployment on; the "
            "interlocks check the names. Never write an access key here."
        )
    )
    st.markdown(f"**{_('Settings of the agent that production overrides')}**")
    config = _table(workspace, "config", dict(now.config), may)
    st.markdown(f"**{_('Environment variables')}**")
    variables = _table(workspace, "variables", dict(now.variables), may)
    st.button(
        _("Save the environment"),
        type="primary",
        key="save-environment",
        on_click=_save,
        args=(workspace, now, config, variables),
        disabled=not may,
    )


def _table(workspace: Workspace, name: str, values: dict[str, str], may: bool) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = [{"name": key, "value": value} for key, value in values.items()]
    # An empty list would leave the table without its columns.
    edited: list[dict[str, str | None]] = st.data_editor(
        rows or [{"name": None, "value": None}],
        num_rows="dynamic",
        disabled=not may,
        key=f"environment-{name}/{workspace.app.id}",
        column_config={
            "name": st.column_config.TextColumn(_("Name")),
            "value": st.column_config.TextColumn(_("Value")),
        },
    )
    return edited


def _save(workspace: Workspace, seen: Environment, *tables: list[dict[str, str | None]]) -> None:
    config, variables = (
        {str(row["name"]).strip(): row["value"] or "" for row in rows if row["name"]} for rows in tables
    )
    with feedback.action(Message("Saved the environment. It counts from the next deployment on.")):
        wanted = Environment(Stage.PRODUCTION, workspace.app.endpoint, config, variables)
        apps.save_environment(workspace, wanted, seen)
