"""When a rule would have fired, told and drawn before it is saved."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.components import charts, feedback, session
from services import alerts
from services.alerts import Found, Preview, Rule, Series
from services.errors import ConsoleError
from services.money import Currency
from services.workspace import Workspace

_ = session.text

HEIGHT = 280
MOST = 10
KEPT = "alert-preview"
PERCENT = (Series.PASSED, Series.ERRORS, Series.DISAGREEMENT, Series.DRIFT)


def show(workspace: Workspace, rule: Rule) -> None:
    """The sentence, the chart, and the times."""
    st.header(_("The last 14 days"), anchor=False)
    try:
        with st.spinner(_("Looking at the last 14 days")):
            found = _found(workspace, rule)
    except ConsoleError as error:
        feedback.show_error(error)
        return
    said = told(found)
    st.markdown(f"**{said}**")
    drawn = figure(found, workspace.app.money)
    st.plotly_chart(drawn, key=f"preview-{workspace.app.id}", config={"displayModeBar": False}, alt=said)
    with st.container(gap="xxsmall"):
        for one in found.episodes[-MOST:][::-1]:
            st.caption(_("{since} until {until}", since=session.moment(one.since), until=session.moment(one.until)))
    if len(found.episodes) > MOST:
        st.caption(_("The newest {n} are listed.", n=MOST))
    if found.unknown == len(found.seen):
        st.caption(_("Choose a longer time, or under “More choices” let fewer answers do."))
    elif found.unknown:
        unknown, looks = f"{found.unknown:,}", f"{len(found.seen):,}"
        st.caption(_("In {n} of {all} looks there was too little to tell.", n=unknown, all=looks))
    if rule.changing:
        st.caption(
            _(
                "It is looked at every {n} minutes. The stated rate of false alarms counts all these looks.",
                n=rule.step * 15,
            )
        )


def _found(workspace: Workspace, rule: Rule) -> Preview:
    """Of drift the one that was drawn before, while nothing that decides it has changed: each look tests two samples."""
    if rule.series is not Series.DRIFT:
        return alerts.preview(workspace, rule)
    basis = alerts.basis(workspace, rule)
    before, found = st.session_state.get(KEPT, (None, None))
    if found is None or before != basis:
        found = alerts.preview(workspace, rule)
        st.session_state[KEPT] = basis, found
    return found


def told(found: Preview) -> str:
    if found.unknown == len(found.seen):
        return _("There is too little data of the last 14 days to try it on.")
    n = len(found.episodes)
    if not n:
        return _("It would not have fired in the last 14 days.")
    return _("It would have fired {n} {n:time|times} in the last 14 days.", n=n)


def figure(found: Preview, money: Currency) -> go.Figure:
    """What it watches, the limit as a line, and in red when people would have been told."""
    rule, times = found.rule, charts.local([alerts.moment(one) for one in found.seen])
    scale = 100.0 if rule.series in PERCENT else money.rate if rule.series is Series.COST else 1.0
    known = [one.now * scale if one.found is not Found.NO_DATA else None for one in found.seen]
    lines = [_line(times, known, _("now"), charts.BLUE)]
    compared = rule.changing and rule.series is not Series.DRIFT
    if compared:
        lines.append(_line(times, [one.before * scale for one in found.seen], _("compared with"), charts.GREY))
    drawn = go.Figure(lines)
    if not rule.changing and rule.series is not Series.SILENCE:
        drawn.add_hline(y=rule.limit * scale, line={"color": charts.ORANGE, "dash": "dash", "width": 1})
    for one in found.episodes:
        since, until = charts.local([one.since, one.until])
        drawn.add_vrect(x0=since, x1=until, fillcolor=charts.RED, opacity=0.25, line_width=1, line_color=charts.RED)
    suffix = " %" if rule.series in PERCENT else ""
    drawn.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.15, "x": 0},
        showlegend=compared,
        hovermode="x unified",
        dragmode=False,
    )
    drawn.update_yaxes(rangemode="tozero", ticksuffix=suffix, fixedrange=True)
    drawn.update_xaxes(tickformat="%m-%d", hoverformat="%Y-%m-%d %H:%M", fixedrange=True, nticks=8)
    return drawn


def _line(times: object, values: Sequence[float | None], name: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=times, y=values, name=name, mode="lines", line={"color": colour, "width": 1.5}, connectgaps=False
    )
