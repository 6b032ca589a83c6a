"""The catalogue: every scorer that can be added, found by words and category, with what it needs."""

import streamlit as st

from pages.components import session
from pages.components.scorers import form, opening, trying, words
from services import audit
from services.audit import Verb
from services.scorers import catalogue, suites
from services.scorers.entries import CATEGORIES, SUITES, Entry
from services.workspace import Workspace

_, say = session.text, session.say
ACROSS = 3


def show(workspace: Workspace, chosen: str) -> None:
    """All of it, or the form of the chosen entry."""
    entry = catalogue.entry(chosen)
    if entry is None:
        st.button(
            _("All scorers of the app"), icon=":material/arrow_back:", type="tertiary", on_click=opening.open_list
        )
        st.header(_("What must every answer fulfil?"), anchor=False)
        _show_catalogue(workspace)
        return
    st.button(_("Choose another"), icon=":material/arrow_back:", type="tertiary", on_click=opening.open_catalogue)
    st.header(_(entry.title), anchor=False)
    st.markdown(_(entry.asks))
    st.caption(_facts(entry))
    form.show(workspace, entry, None)
    trying.show(workspace, entry, None)


def _show_catalogue(workspace: Workspace) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        asked = st.text_input(_("Search"), key=f"find-entry-{workspace.app.id}", icon=":material/search:", width=360)
        only = st.toggle(_("Without a language model"), key=f"rules-only-{workspace.app.id}")
    found = [one for one in catalogue.ALL if _fits(one, asked) and not (only and one.needs.judge)]
    if not found:
        st.info(_("No scorer fits these words. Shorten them, or write a judge of your own."))
    for category, title in CATEGORIES.items():
        if category == SUITES:
            continue
        listed = [one for one in found if one.category == category]
        if listed:
            st.markdown(f"### {_(title)}")
            _show_entries(workspace, listed)
    _show_suites(workspace, found)


def _show_entries(workspace: Workspace, listed: list[Entry], installed: bool = True) -> None:
    for start in range(0, len(listed), ACROSS):
        for column, one in zip(st.columns(ACROSS), listed[start : start + ACROSS], strict=False):
            with column.container(border=True, height="stretch", gap="small"):
                _show_entry(workspace, one, installed)


def _show_entry(workspace: Workspace, one: Entry, installed: bool) -> None:
    st.markdown(f"**{_(one.title)}**  \n{_(one.asks)}")
    st.caption(_facts(one))
    verb = Verb.SAVE_SCORER_CODE if one.kind == "code" else Verb.SAVE_SCORER
    st.button(
        _("Choose"),
        key=f"choose-{one.id}",
        on_click=opening.open_entry,
        args=(one.id,),
        disabled=not (installed and audit.allowed(workspace, verb)),
    )


def _facts(entry: Entry) -> str:
    needs = _(", ").join(say(one) for one in words.needed(entry.needs))
    told = [_("Needs: {what}", what=needs), _("Gives: {what}", what=say(words.gives(entry)))]
    if entry.mlflow:
        told.append(_("MLflow's {name}", name=entry.mlflow))
    return session.escape(" · ".join(told))


def _show_suites(workspace: Workspace, found: list[Entry]) -> None:
    """Suites that MLflow bridges, and what is missing for them."""
    for one in suites.ALL:
        listed = [entry for entry in found if entry.id.startswith(f"{one.module}.")]
        if not listed:
            continue
        st.markdown(f"### {_('From {suite}', suite=one.name)}")
        if not one.installed:
            told = _("Not installed. An engineer adds it with: {command}", command=one.command)
            st.info(session.escape(told), icon=":material/download:")
        _show_entries(workspace, listed, one.installed)


def _fits(entry: Entry, asked: str) -> bool:
    written = (
        f"{_(entry.title)} {_(entry.asks)} {entry.title} {entry.mlflow} {_(CATEGORIES[entry.category])}".casefold()
    )
    return all(word in written for word in asked.casefold().split())
