"""What a scorer said week by week, and how often people agreed with it: both stand still unless something changes."""

import html
from datetime import datetime

import plotly.graph_objects as go
import streamlit as st

from pages.components import charts, session
from services.scorers.health import Health

_ = session.text
WEEK = 7 * 24 * 60 * 60 * 1000


def show(known: Health) -> None:
    st.markdown(f"### {_('Over time')}")
    judged = [one for one in known.weeks if one.verdicts]
    compared = [one for one in known.weeks if one.compared]
    if not judged:
        st.caption(_("It judged nothing in this version yet."))
        return
    if len(judged) < 2:
        share = session.percent(judged[0].passed)
        st.caption(
            _("All verdicts are of one week: {share} on average. A line is drawn from the second week on.", share=share)
        )
        return
    told = _(
        "The mean verdict of each week. If it moves while the agent stays the same, the judge itself may have changed."
    )
    drawn = [(known.spec.name, [(one.start, one.passed, one.verdicts) for one in judged])]
    if compared:
        shares = [(one.start, one.agreed / one.compared, one.compared) for one in compared]
        drawn.append((_("people agree with it"), shares))
        told = session.joined(
            told, _("If fewer people agree with it than before, it drifts from what they mean by a good answer.")
        )
    charts.show(_figure(drawn), key=f"weeks-{known.spec.name}", told=told)
    st.caption(told)


def _figure(drawn: list[tuple[str, list[tuple[datetime, float, int]]]]) -> go.Figure:
    """One line each; the marks say how many answers they rest on."""
    figure = go.Figure()
    for position, (name, points) in enumerate(drawn):
        starts, shares, counts = zip(*points, strict=True)
        figure.add_scatter(
            x=starts,
            y=shares,
            customdata=counts,
            name=html.escape(name),
            mode="lines+markers",
            line={"color": charts.LINES[position]},
            marker={"symbol": charts.SYMBOLS[position], "size": 9 + 2 * position},
            text=charts.percents(shares),
            hovertemplate=charts.SHARE,
        )
    figure.update_layout(
        height=charts.HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.15, "x": 0},
        showlegend=True,
        hovermode="x unified",
        dragmode=False,
    )
    charts.as_shares(figure).update_yaxes(fixedrange=True)
    monday = drawn[0][1][0][0]
    figure.update_xaxes(tickformat="%m-%d", hoverformat="%Y-%m-%d", dtick=WEEK, tick0=monday, fixedrange=True)
    return figure
