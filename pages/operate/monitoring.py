"""How production does: volume, time, verdicts; and which scorers watch."""

import pandas as pd
import streamlit as st

from pages.components import charts, feedback, session
from services import audit, monitoring, scorers
from services.audit import Verb
from services.messages import Message, mark
from services.monitoring import Overview
from services.platforms import MonitoredScorer

_, say = session.text, session.say

WINDOWS = {
    1: mark("1 hour"),
    6: mark("6 hours"),
    24: mark("24 hours"),
    168: mark("7 days"),
    720: mark("30 days"),
}


def save(names: list[str]) -> None:
    with feedback.action(Message("Saved. The scorers judge from the next answer on.")):
        versions = {one.name: one.version for one in scorers.all(workspace)}
        wanted = [
            MonitoredScorer(
                name, versions[name], st.session_state[field(name, "share")] / 100, st.session_state[field(name, "on")]
            )
            for name in names
        ]
        monitoring.save_scorers(workspace, wanted)


def resume() -> None:
    with feedback.action(Message("Scoring runs again.")):
        monitoring.resume(workspace)


def judge_again() -> None:
    with feedback.action(Message("Judging the answers of this time that have no verdict yet.")):
        st.session_state[f"backfill-{workspace.app.id}"] = monitoring.backfill(workspace, float(hours)).id


def field(name: str, what: str) -> str:
    return f"watch-{workspace.app.id}-{name}-{what}"


def link(label: str, **query: str) -> None:
    st.page_link(
        session.page("traces"), label=label, icon=":material/account_tree:", query_params={"hours": str(hours), **query}
    )


def show_totals(found: Overview) -> None:
    asked, failed, median, slow = st.columns(4)
    totals = found.totals
    asked.metric(_("Questions"), totals.count)
    failed.metric(
        _("Failed"),
        totals.errors,
        help=_("{share} of all questions", share=session.percent(totals.errors / totals.count)),
    )
    median.metric(_("Median time"), session.seconds(totals.p50))
    slow.metric(_("95 of 100 within"), session.seconds(totals.p95))


def show_charts(found: Overview) -> None:
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.markdown(_("**How much is asked.** Failed questions got no answer."))
        charts.show(charts.volume(found.buckets), "chart-volume")
        with st.container(horizontal=True):
            link(_("Show these traces"))
            if found.totals.errors:
                link(_("Show the failed ones"), errors="1")
    with right.container(border=True, height="stretch"):
        st.markdown(
            _(
                "**How long an answer takes.** Half are faster than the median; 95 of 100 are faster than the upper line."
            )
        )
        charts.show(charts.seconds(found.buckets), "chart-seconds")
    with st.container(border=True):
        st.markdown(_("**How good the answers are.** The share that each scorer passed, of the answers it judged."))
        show_scores(found)


def show_scores(found: Overview) -> None:
    if found.scores.empty:
        st.caption(_("No answer of this time has a verdict yet."))
        return
    charts.show(charts.pass_rates(found.scores, found.buckets["time"]), "chart-scores")
    st.dataframe(
        table(found),
        hide_index=True,
        column_config={_("Passed"): st.column_config.NumberColumn(format="%.0f %%")},
    )
    failing = found.scores.loc[found.scores["mean"] < 1, "scorer"]
    with st.container(horizontal=True):
        for name in sorted(failing.unique()):
            link(_("Show what failed “{scorer}”", scorer=name), failed=str(name))


def table(found: Overview) -> pd.DataFrame:
    weighted = found.scores.assign(passed=found.scores["mean"] * found.scores["n"])
    summed = weighted.groupby("scorer")[["passed", "n"]].sum().reset_index()
    shares = 100 * summed["passed"] / summed["n"]
    return pd.DataFrame({_("Scorer"): summed["scorer"], _("Passed"): shares, _("Judged answers (n)"): summed["n"]})


def show_watching() -> None:
    st.subheader(_("Scorers that watch production"), anchor=False)
    found = scorers.all(workspace)
    known = [one for one in found if scorers.not_in_production(one) is None]
    if not found:
        st.info(_("This app has no scorers yet. Make some on the Scorers screen."))
        st.page_link(session.page("scorers"), label=_("Open Scorers"), icon=":material/rule:")
        return
    now = {one.name: one for one in monitoring.production_scorers(workspace)}
    with st.form("watching"):
        for position, spec in enumerate(known):
            one = now.get(spec.name, MonitoredScorer(spec.name, spec.version, 1.0, False))
            name, share, _room = st.columns([3, 2, 3], vertical_alignment="bottom")
            name.checkbox(
                session.escape(spec.name),
                one.running,
                key=field(spec.name, "on"),
                help=session.escape(say(scorers.describe(spec))),
            )
            share.number_input(
                _("Share of answers in %"),
                1,
                100,
                round(one.rate * 100),
                key=field(spec.name, "share"),
                label_visibility="collapsed" if position else "visible",
            )
        st.form_submit_button(
            _("Save"),
            on_click=save,
            args=([spec.name for spec in known],),
            disabled=not audit.allowed(workspace, Verb.START_SCORERS),
        )
    show_left_out([one for one in found if one not in known])
    show_scoring(any(one.running for one in now.values()))


def show_left_out(left: list[scorers.ScorerSpec]) -> None:
    """Scorers that judge evaluations only, and why."""
    for one in left:
        why = scorers.not_in_production(one)
        if why:
            st.caption(_("Left out: {name}. {reason}", name=session.escape(one.name), reason=say(why)))


def show_scoring(running: bool) -> None:
    if not running:
        return
    with st.container(horizontal=True):
        if not monitoring.scoring_runs(workspace):
            st.button(_("Start scoring again"), key="resume", on_click=resume)
        st.button(_("Judge older answers of this time"), key="backfill-now", on_click=judge_again)
    if started := st.session_state.get(f"backfill-{workspace.app.id}"):
        feedback.job(started, Message("Judged."))


workspace = session.workspace()
st.title(_("Monitoring"), anchor=False)
if workspace.settings.practice:
    st.caption(_("The practice model answers and judges here, not a real language model."))
# Not a segmented control: on the dark theme its chosen segment is too faint to read.
hours = st.radio(
    _("Time"),
    list(WINDOWS),
    index=list(WINDOWS).index(24),
    format_func=lambda one: _(WINDOWS[one]),
    key="window",
    horizontal=True,
)
found = monitoring.overview(workspace, hours)
for reason in found.silence:
    st.info(session.escape(say(reason)))
if found.capped:
    st.warning(_("Only the newest {n} traces of this time are counted.", n=monitoring.MOST_READ))
if found.totals.count:
    show_totals(found)
    show_charts(found)
    st.caption(_("Live traffic only; read at {time}.", time=session.moment(found.read_at)))
show_watching()
