"""Where on the workspace things are kept: chosen from what is there, or typed and made."""

from dataclasses import fields
from typing import Any

import streamlit as st

from pages.components import feedback, lights, session
from services import audit, connection
from services.audit import Verb
from services.connection import Choices, Place
from services.messages import Message
from services.workspace import Workspace

_ = session.text
FIELDS = tuple(one.name for one in fields(Place))


def show(workspace: Workspace, offered: dict[str, Choices]) -> None:
    """The form; `offered` keeps what the workspace has to choose from, by catalog, as long as the caller likes."""
    kept = connection.place(workspace)
    decided = connection.decided_by(workspace)
    catalog = st.session_state.get(_key("catalog"), kept.catalog) or ""
    if catalog not in offered:
        with st.spinner(_("Reading what the workspace has")):
            offered[catalog] = connection.choices(workspace, catalog)
    choices = offered[catalog]
    left, right = st.columns(2)
    with left:
        _choose(_("Catalog"), "catalog", choices.catalogs, kept.catalog, decided)
        _choose(_("Schema"), "schema", choices.schemas, kept.schema, decided)
        st.text_input(_("Folder of the experiments"), kept.experiments, **_field("folder", decided))
    with right:
        _choose(
            _("SQL warehouse"),
            "warehouse_id",
            tuple(choices.warehouses),
            kept.warehouse_id,
            decided,
            choices.warehouses,
        )
        _choose(_("Secret scope"), "secret_scope", choices.scopes, kept.secret_scope, decided)
    st.caption(_("A catalog, schema or folder that does not exist yet is made when you save."))
    st.button(
        _("Save"),
        type="primary",
        key="save-place",
        on_click=save,
        args=(workspace,),
        disabled=not audit.allowed(workspace, Verb.CHOOSE_PLACE),
    )  # fmt: skip


def save(workspace: Workspace) -> None:
    chosen = Place(**{name: (st.session_state.get(_key(name)) or "").strip() for name in FIELDS})
    with feedback.action(Message("Saved. New experiments are made in that folder; apps that exist keep theirs.")):
        connection.save_place(workspace, chosen)
        lights.ask_again()


def _choose(
    label: str,
    name: str,
    options: tuple[str, ...],
    kept: str,
    decided: dict[str, str],
    names: dict[str, str] | None = None,
) -> None:
    """Something that is there, or a new name; what is kept stands in the list also when it could not be read."""
    listed = sorted({*options, *([kept] if kept else [])}, key=str.casefold)
    st.selectbox(
        label,
        listed,
        index=listed.index(kept) if kept else None,
        format_func=lambda one: (names or {}).get(one, one),
        accept_new_options=names is None,
        placeholder=_("Choose one, or type a new name") if names is None else _("Choose one"),
        **_field(name, decided),
    )


def _field(name: str, decided: dict[str, str]) -> dict[str, Any]:
    if name in decided:
        told = _("Set by {variable}, so it cannot be changed here.", variable=decided[name])
        return {"key": _key(name), "disabled": True, "help": told}
    return {"key": _key(name)}


def _key(name: str) -> str:
    return f"place-{name}"
