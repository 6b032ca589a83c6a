"""One scorer: its settings, a try, its health and its versions."""

import streamlit as st

from pages.components import feedback, session
from pages.components.scorers import form, health_view, opening, trying, versions, words
from services import audit, monitoring, scorers
from services.audit import Verb
from services.messages import Message, mark
from services.scorers import catalogue
from services.scorers.records import ScorerSpec
from services.workspace import Workspace

_, say = session.text, session.say
PARTS = {"settings": mark("Settings"), "health": mark("Health"), "versions": mark("Versions")}


def show(workspace: Workspace, name: str) -> None:
    st.button(_("All scorers of the app"), icon=":material/arrow_back:", type="tertiary", on_click=opening.open_list)
    spec = next((one for one in scorers.all(workspace) if one.name == name), None)
    if spec is None:
        st.info(_("There is no scorer “{name}”. It may have been removed.", name=session.escape(name)))
        return
    _show_head(workspace, spec)
    part = _choose_part(workspace)
    if part == "health":
        health_view.show(workspace, spec)
    elif part == "versions":
        versions.show(workspace, spec)
    else:
        entry = catalogue.of(spec)
        form.show(workspace, entry, spec)
        trying.show(workspace, entry, spec)


def _show_head(workspace: Workspace, spec: ScorerSpec) -> None:
    running = {one.name: one.rate for one in monitoring.production_scorers(workspace) if one.running}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(session.escape(spec.name), anchor=False, width="content")
        st.badge(_(catalogue.of(spec).title), color="violet" if scorers.needs_judge(spec) else "blue")
        st.badge(_("version {n}", n=spec.version), color="gray")
        if spec.name in workspace.app.gate.minimum:
            st.badge(_("gate"), icon=":material/door_front:", color="green")
        with st.popover(_("Remove"), disabled=not audit.allowed(workspace, Verb.REMOVE_SCORER)):
            st.write(_("New evaluations and releases no longer look at it. Earlier scores stay."))
            if spec.name in running:
                st.caption(_("Stop it on the Monitoring screen, then remove it."))
            st.button(
                _("Remove it"),
                key=f"remove-{spec.name}",
                disabled=spec.name in running,
                on_click=_remove,
                args=(workspace, spec.name),
            )
    st.markdown(session.escape(say(words.asks(workspace, spec))))
    st.caption(session.escape(say(words.production(workspace, spec, running))))


def _choose_part(workspace: Workspace) -> str:
    asked = st.query_params.get("part", "settings")
    chosen = st.segmented_control(
        _("Part"),
        list(PARTS),
        default=asked if asked in PARTS else "settings",
        format_func=lambda one: _(PARTS[one]),
        key=f"part-{workspace.app.id}",
        label_visibility="collapsed",
        required=True,
    )
    st.query_params["part"] = str(chosen)
    return str(chosen)


def _remove(workspace: Workspace, name: str) -> None:
    with feedback.action(Message("Removed {name}. Earlier evaluations keep its scores.", name=name)):
        scorers.remove(workspace, name)
        opening.open_list()
