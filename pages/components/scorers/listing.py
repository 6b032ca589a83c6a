"""The app's scorers: what each asks, where it is used, and how far it can be trusted."""

import streamlit as st

from pages.components import session
from pages.components.scorers import opening, words
from services import audit, monitoring, scorers
from services.audit import Verb
from services.scorers import catalogue, forms, health
from services.scorers.health import Health, Line
from services.scorers.records import ScorerSpec
from services.workspace import Workspace

_, say = session.text, session.say
MANY = 8


def show(workspace: Workspace) -> None:
    found = scorers.all(workspace)
    _show_actions(workspace)
    if not found:
        st.info(_("There are no scorers yet. Add the first one: what must every answer fulfil?"))
        return
    asked = st.text_input(_("Search"), key=f"find-scorer-{workspace.app.id}") if len(found) > MANY else ""
    known, wanted = health.all(workspace), health.line(workspace)
    running = {one.name: one.rate for one in monitoring.production_scorers(workspace) if one.running}
    for spec in found:
        if asked.casefold() in f"{spec.name} {say(words.asks(workspace, spec))}".casefold():
            _show_row(workspace, spec, known[spec.name], wanted, running)
    with st.expander(_("Try the scorers on an answer")):
        _show_try(workspace, found)


def _show_actions(workspace: Workspace) -> None:
    st.button(
        _("Add a scorer"),
        icon=":material/add:",
        type="primary",
        key="add-scorer",
        on_click=opening.open_catalogue,
        disabled=not audit.allowed(workspace, Verb.SAVE_SCORER),
    )


def _show_row(workspace: Workspace, spec: ScorerSpec, known: Health, wanted: Line, running: dict[str, float]) -> None:
    with st.container(border=True, gap="xxsmall"):
        told, trusted, button = st.columns([5.4, 2, 1.6], vertical_alignment="center")
        with told, st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{session.escape(spec.name)}**", width="content")
            st.badge(_(catalogue.of(spec).title), color="violet" if scorers.needs_judge(spec) else "blue")
            if spec.name in workspace.app.gate.minimum:
                st.badge(_("gate"), icon=":material/door_front:", color="green")
            if scorers.needs_judge(spec) and workspace.settings.practice:
                st.badge(_("practice model"), color="orange")
        told.markdown(session.escape(say(words.asks(workspace, spec))))
        told.caption(session.escape(say(words.production(workspace, spec, running))))
        colour, word = words.trust(known, wanted)
        with trusted:
            st.markdown(f":{colour}-badge[{session.escape(say(word))}]")
        with button, st.container(horizontal_alignment="right"):
            st.button(_("Open"), key=f"open-{spec.name}", on_click=opening.open_one, args=(spec.name,))


def _show_try(workspace: Workspace, found: list[ScorerSpec]) -> None:
    answer = st.text_area(
        _("An answer"), key="try-answer", placeholder=_("Type or paste an answer to see what the rules say.")
    )
    if not answer:
        return
    for spec in found:
        if spec.kind not in forms.READS_ANSWER_ONLY:
            st.caption(_("{name}: it needs more than the answer; open it to try it.", name=session.escape(spec.name)))
            continue
        finding = scorers.try_out(workspace, spec, answer)
        light = ":green[:material/check_circle:]" if finding.passed else ":red[:material/cancel:]"
        st.markdown(f"{light} **{session.escape(spec.name)}** {session.escape(say(finding.reason))}")
