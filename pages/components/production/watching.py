"""Which scorers watch production, and how much of it."""

import streamlit as st

from pages.components import feedback, session
from services import audit, monitoring, scorers
from services.audit import Verb
from services.messages import Message
from services.platforms import MonitoredScorer
from services.scorers import watching as judging
from services.workspace import Workspace

_, say = session.text, session.say


def save(workspace: Workspace, names: list[str]) -> None:
    with feedback.action(Message("Saved. The scorers judge from the next answer on.")):
        versions = {one.name: one.version for one in scorers.all(workspace)}
        wanted = [
            MonitoredScorer(
                name,
                versions[name],
                st.session_state[field(workspace, name, "share")] / 100,
                st.session_state[field(workspace, name, "on")],
                st.session_state.get(field(workspace, name, "only"), "").strip(),
            )
            for name in names
        ]
        monitoring.save_scorers(workspace, wanted)


def resume(workspace: Workspace) -> None:
    with feedback.action(Message("Scoring runs again.")):
        monitoring.resume(workspace)


def judge_again(workspace: Workspace, hours: int) -> None:
    with feedback.action(Message("Judging the answers of this time that have no verdict yet.")):
        st.session_state[f"backfill-{workspace.app.id}"] = monitoring.backfill(workspace, float(hours)).id


def field(workspace: Workspace, name: str, what: str) -> str:
    return f"watch-{workspace.app.id}-{name}-{what}"


def show(workspace: Workspace, hours: int) -> None:
    st.header(_("Scorers that watch production"), anchor=False)
    st.caption(
        _("A production scorer judges a share of the live answers, all the time, as it judged them in evaluations.")
    )
    found = scorers.all(workspace)
    known = [one for one in found if judging.refusal(workspace, one) is None]
    if not found:
        st.info(_("This app has no scorers yet. Make some on the Scorers screen."))
        st.page_link(session.page("scorers"), label=_("Open Scorers"), icon=":material/rule:")
        return
    now = {one.name: one for one in monitoring.production_scorers(workspace)}
    seen = monitoring.watches(workspace, now.values())
    with st.form("watching"):
        for position, spec in enumerate(known):
            one = now.get(spec.name, MonitoredScorer(spec.name, spec.version, 1.0, False))
            name, share, told = st.columns([3, 2, 5], vertical_alignment="bottom")
            name.checkbox(
                session.escape(spec.name),
                one.running,
                key=field(workspace, spec.name, "on"),
                help=session.escape(say(scorers.describe(spec))),
            )
            share.number_input(
                _("Share of answers in %"),
                1,
                100,
                round(one.rate * 100),
                key=field(workspace, spec.name, "share"),
                label_visibility="collapsed" if position else "visible",
            )
            if spec.name in seen:
                told.caption(session.escape(say(seen[spec.name].told)))
        if workspace.platform.scoring.filters:
            show_filters(workspace, [now.get(spec.name, MonitoredScorer(spec.name, 0, 1.0, False)) for spec in known])
        st.form_submit_button(
            _("Save"),
            on_click=save,
            args=(workspace, [spec.name for spec in known]),
            disabled=not audit.allowed(workspace, Verb.START_SCORERS),
        )
    show_left_out(workspace, [one for one in found if one not in known])
    show_scoring(workspace, hours, any(one.running for one in now.values()))
    if workspace.settings.databricks is not None:
        # Only here, because the SDK behind it takes a second to load.
        from pages.components.production import schedule

        schedule.show(workspace)


def show_filters(workspace: Workspace, shown: list[MonitoredScorer]) -> None:
    """Which answers each of them judges: a part of the form, folded away until somebody uses one."""
    with st.expander(_("Judge only some of the answers"), expanded=any(one.only for one in shown)):
        st.caption(
            _("A filter as in MLflow's search for traces; empty means every answer. The share is taken of what fits.")
        )
        for one in shown:
            st.text_input(
                session.escape(one.name),
                one.only,
                key=field(workspace, one.name, "only"),
                placeholder="tags.channel = 'web'",
            )


def show_left_out(workspace: Workspace, left: list[scorers.ScorerSpec]) -> None:
    """Scorers that judge evaluations only, and why."""
    for one in left:
        why = judging.refusal(workspace, one)
        if why:
            st.caption(_("Left out: {name}. {reason}", name=session.escape(one.name), reason=say(why)))


def show_scoring(workspace: Workspace, hours: int, running: bool) -> None:
    if not running:
        return
    with st.container(horizontal=True):
        if not monitoring.scoring_runs(workspace):
            st.button(_("Start scoring again"), key="resume", on_click=resume, args=(workspace,))
        st.button(
            _("Judge older answers of this time"), key="backfill-now", on_click=judge_again, args=(workspace, hours)
        )
    if started := st.session_state.get(f"backfill-{workspace.app.id}"):
        feedback.job(started, Message("Judged."), kept=True)
