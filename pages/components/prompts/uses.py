"""Where a version of a prompt is used, each place one click away."""

from typing import TypeVar

import streamlit as st

from pages.components import environments, release_words, session
from pages.components.evaluations import titles as evaluation_titles
from pages.components.prompts import opening, titles
from services.apps import TITLE, Stage
from services.prompts import PromptVersion, moves, used
from services.prompts.used import DAYS, Use
from services.workspace import Workspace

FIRST_SHOWN = 10
One = TypeVar("One")
_ = session.text


def show(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    """The version that the address names, else the live or the newest one, and everything that names it."""
    moves.notice(workspace, name)
    if not found:
        st.info(_("Every version of this prompt is in the trash. Restore one under Manage."))
        return
    labels = titles.labels(found)
    asked, live = session.number("version"), next((one.version for one in found if one.live), None)
    if asked is not None and asked not in labels:
        st.warning(_("There is no version {n} of this prompt. Choose one from the list.", n=asked))
    key = f"used-version-{workspace.app.id}-{name}"
    st.session_state[key] = asked if asked in labels else live or found[0].version
    version = st.selectbox(
        _("Version"),
        list(labels),
        format_func=labels.__getitem__,
        key=key,
        width=640,
        on_change=lambda: opening.open_prompt(name, "used", version=st.session_state[key]),
    )
    use = used.find(workspace, name, version)
    if not use.anywhere:
        st.info(_("Nothing uses this version yet. Try it in the playground, or evaluate it."))
        return
    _show_answering(use)
    _show_traces(use, workspace, name, version)
    _show_agents(use)
    _show_evaluations(use)
    _show_releases(use)


def _show_answering(use: Use) -> None:
    if not use.answering:
        return
    st.header(_("Answers now"), anchor=False)
    for one in use.answering:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(session.page("endpoints"), label=session.escape(one.endpoint), icon=":material/dns:")
            if one.stage is not Stage.PRODUCTION:
                st.markdown(f":violet-badge[{_(TITLE[one.stage])}]", width="content")
            st.page_link(
                session.page("agents"),
                label=_("agent version {n} gets {weight} % of the traffic", n=one.agent_version, weight=one.weight),
                icon=":material/smart_toy:",
                query_params={"agent": one.model_id},
            )


def _show_traces(use: Use, workspace: Workspace, name: str, version: int) -> None:
    if not use.traces:
        return
    st.header(_("Live answers"), anchor=False)
    count = _("{n} or more", n=use.traces) if use.more_traces else str(use.traces)
    full = workspace.full_name(name)
    st.page_link(
        session.page("traces"),
        label=_("Answers of the last {days} days: {n}", days=DAYS, n=count),
        icon=":material/account_tree:",
        query_params={"prompt": f"{full}/{version}", "hours": str(DAYS * 24)},
    )


def _show_agents(use: Use) -> None:
    if not use.agents:
        return
    st.header(_("Agent versions ({n})", n=len(use.agents)), anchor=False)
    for agent, how in _first(use.agents, "agents"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                session.page("agents"),
                label=session.escape(agent.name),
                icon=":material/smart_toy:",
                query_params={"agent": agent.model_id},
            )
            registered = [_("registered as version {n}", n=agent.registered)] if agent.registered else []
            st.caption(" · ".join([_(how), *registered, session.moment(agent.created_at)]), width="content")


def _show_evaluations(use: Use) -> None:
    if not use.evaluations:
        return
    st.header(_("Evaluations ({n})", n=len(use.evaluations)), anchor=False)
    for one in _first(use.evaluations, "evaluations"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                session.page("evaluations"),
                label=session.moment(one.created_at),
                icon=":material/grading:",
                query_params={"run": one.run_id},
            )
            scores = [
                f"{session.escape(name)} {evaluation_titles.score(score)}"
                for name, score in one.scores.items()
                if score.mean is not None
            ]
            st.caption(" · ".join([session.escape(one.dataset_name), *scores]), width="content")


def _show_releases(use: Use) -> None:
    if not use.releases:
        return
    st.header(_("Releases ({n})", n=len(use.releases)), anchor=False)
    for one in _first(use.releases, "releases"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                session.page("releases"),
                label=_("Release {id}", id=one.id),
                icon=":material/train:",
                query_params={"release": str(one.id)},
            )
            st.markdown(f"{environments.badge(one)} {release_words.badge(one)}".strip(), width="content")
            st.markdown(release_words.sentence(one), width="content")


def _first(found: tuple[One, ...], what: str) -> tuple[One, ...]:
    """The newest ones; all of them when asked for."""
    if len(found) <= FIRST_SHOWN or st.toggle(_("Show all ({n})", n=len(found)), key=f"all-used-{what}"):
        return found
    return found[:FIRST_SHOWN]
