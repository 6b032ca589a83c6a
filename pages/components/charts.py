"""Plotly figures of production: small, quiet, in the viewer's time zone."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.components import session

_ = session.text

BLUE, RED, ORANGE = "#2563eb", "#dc2626", "#d97706"
LINES = (BLUE, ORANGE, "#059669", "#7c3aed", "#db2777", "#0891b2", "#65a30d", "#475569")
HEIGHT = 240


def volume(buckets: pd.DataFrame) -> go.Figure:
    """Answered and failed questions per bucket."""
    times = _local(buckets["time"])
    fine = buckets["count"] - buckets["errors"]
    return _plain(
        go.Figure(
            [
                go.Bar(x=times, y=fine, name=_("answered"), marker_color=BLUE),
                go.Bar(x=times, y=buckets["errors"], name=_("failed"), marker_color=RED),
            ],
            go.Layout(barmode="stack"),
        )
    )


def seconds(buckets: pd.DataFrame) -> go.Figure:
    """The median and the slowest twentieth."""
    times = _local(buckets["time"])
    return _plain(
        go.Figure(
            [_line(times, buckets["p50"], _("median"), BLUE), _line(times, buckets["p95"], _("95 of 100"), ORANGE)]
        ),
        suffix=" s",
    )


def pass_rates(scores: pd.DataFrame) -> go.Figure:
    """One line per scorer; the marks say how many answers they rest on."""
    figure = go.Figure()
    for position, (scorer, found) in enumerate(scores.groupby("scorer")):
        line = _line(_local(found["time"]), found["mean"], str(scorer), LINES[position % len(LINES)])
        figure.add_trace(line.update(customdata=found["n"], hovertemplate="%{y:.0%} (n = %{customdata})"))
    figure.update_yaxes(range=[0, 1.05], tickformat=".0%")
    return _plain(figure)


def show(figure: go.Figure, key: str) -> None:
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def _line(times: pd.Series, values: pd.Series, name: str, colour: str) -> go.Scatter:
    return go.Scatter(x=times, y=values, name=name, mode="lines+markers", line={"color": colour}, marker={"size": 5})


def _plain(figure: go.Figure, suffix: str = "") -> go.Figure:
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.15, "x": 0},
        hovermode="x unified",
    )
    figure.update_yaxes(rangemode="tozero", ticksuffix=suffix)
    return figure


def _local(times: pd.Series) -> pd.Series:
    return times.dt.tz_convert(st.context.timezone or "UTC").dt.tz_localize(None)
