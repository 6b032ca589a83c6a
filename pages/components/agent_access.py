"""What an agent may use on Databricks, in the form of a new one: resources of its own, or the rights of who asks."""

from dataclasses import replace

import streamlit as st

from pages.components import rows, session
from services.agents import AgentForm, resources
from services.workspace import Workspace

_ = session.text
ITSELF, PERSON = "itself", "person"


def show(workspace: Workspace) -> None:
    """Whose rights it uses, and what it reaches with them."""
    st.caption(
        _(
            "On Databricks an agent reaches only what was declared when it was logged; without it, its first call fails. "
            "Elsewhere nothing reads this."
        )
    )
    acts = st.radio(
        _("Whose rights it uses"),
        [ITSELF, PERSON],
        key=_key(workspace, "acts"),
        format_func=lambda one: _("Its own") if one == ITSELF else _("Those of the person who asks"),
        captions=[
            _("Everyone gets the same answers. MLflow calls this resources."),
            _("Each person reaches only what they may see themselves. MLflow calls this an auth policy."),
        ],
    )
    _keep(workspace)
    if acts == ITSELF:
        _show_resources(_key(workspace, "resources"))
        return
    with_scopes = [kind for kind, one in resources.KINDS.items() if one.scopes]
    reached = st.multiselect(
        _("What it reaches with the person's rights"),
        with_scopes,
        format_func=lambda kind: _(resources.KINDS[kind].title),
        key=_key(workspace, "reached"),
        placeholder=_("nothing yet"),
    )
    for scope in resources.scopes_of(reached):
        st.caption(f"`{scope}`: {_(resources.SCOPES[scope])}")
    st.multiselect(
        _("Further scopes"),
        [scope for scope in resources.SCOPES if scope not in resources.scopes_of(reached)],
        format_func=lambda scope: f"{scope}: {_(resources.SCOPES[scope])}" if scope in resources.SCOPES else scope,
        key=_key(workspace, "scopes"),
        accept_new_options=True,
        placeholder=_("none"),
    )
    st.markdown(_("What it reaches with rights of its own, for everyone alike"))
    _show_resources(_key(workspace, "system"))


def added(workspace: Workspace, form: AgentForm) -> AgentForm:
    """Resources or an auth policy: only what belongs to the chosen way counts."""
    if st.session_state.get(_key(workspace, "acts"), ITSELF) == ITSELF:
        return replace(form, resources=rows.read(_key(workspace, "resources")))
    reached = resources.scopes_of(st.session_state.get(_key(workspace, "reached")) or ())
    more = [one.strip() for one in st.session_state.get(_key(workspace, "scopes")) or ()]
    scopes = tuple(dict.fromkeys([*reached, *more]))
    return replace(form, system_resources=rows.read(_key(workspace, "system")), user_scopes=scopes)


def _keep(workspace: Workspace) -> None:
    """Whoever looks at the other way finds this one as they left it."""
    for name in ("resources", "system"):
        rows.keep(_key(workspace, name))
    for name in ("reached", "scopes"):
        if _key(workspace, name) in st.session_state:
            st.session_state[_key(workspace, name)] = st.session_state[_key(workspace, name)]


def _show_resources(key: str) -> None:
    kinds = {kind: _(one.title) for kind, one in resources.KINDS.items()}
    rows.show(
        key,
        [
            rows.Column(_("Kind"), kinds, width=2),
            rows.Column(_("Name or number"), placeholder={kind: one.example for kind, one in resources.KINDS.items()}),
        ],
        _("Add something it uses"),
    )


def _key(workspace: Workspace, name: str) -> str:
    return f"agent-{name}-{workspace.app.id}"
