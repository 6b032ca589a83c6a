"""Plotly figures of production: small, quiet, in the viewer's time zone."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.components import session

_ = session.text

BLUE, RED, ORANGE = "#2563eb", "#dc2626", "#d97706"
LINES = (BLUE, ORANGE, "#059669", "#7c3aed", "#db2777", "#0891b2", "#65a30d", "#475569")
SYMBOLS = ("circle-open", "square-open", "diamond-open", "triangle-up-open", "hexagon-open", "star-open")
HEIGHT = 240
FEW = 6


def volume(buckets: pd.DataFrame) -> go.Figure:
    """Answered and failed questions per bucket."""
    times = _local(buckets["time"])
    fine = buckets["count"] - buckets["errors"]
    # Left alone, the axis of few questions counts halves of one.
    step = 1 if buckets["count"].max() < FEW else None
    return _plain(
        go.Figure(
            [
                go.Bar(x=times, y=fine, name=_("answered"), marker_color=BLUE),
                go.Bar(x=times, y=buckets["errors"], name=_("failed"), marker_color=RED),
            ],
            go.Layout(barmode="stack", legend={"traceorder": "normal"}, yaxis={"dtick": step}),
        ),
        times,
    )


def seconds(buckets: pd.DataFrame) -> go.Figure:
    """The median and the slowest twentieth."""
    times = _local(buckets["time"])
    return _plain(
        go.Figure(
            [_line(times, buckets["p50"], _("median"), BLUE), _line(times, buckets["p95"], _("95 of 100"), ORANGE)]
        ),
        times,
        suffix=_("{seconds} s", seconds=""),
    )


def pass_rates(scores: pd.DataFrame, window: pd.Series) -> go.Figure:
    """One line per scorer over the whole window; the marks say how many answers they rest on."""
    figure = go.Figure()
    for position, (scorer, found) in enumerate(scores.groupby("scorer")):
        line = _line(_local(found["time"]), found["mean"], str(scorer), LINES[position % len(LINES)])
        # Open marks of different shapes: scorers that agree lie on each other and must all be seen.
        line.update(marker={"symbol": SYMBOLS[position % len(SYMBOLS)], "size": 9 + 2 * (position % len(SYMBOLS))})
        figure.add_trace(line.update(customdata=found["n"], hovertemplate="%{y:.0%} (n = %{customdata})"))
    figure.update_yaxes(range=[0, 1.08], tickformat=".0%")
    return _plain(figure, _local(window))


def show(figure: go.Figure, key: str) -> None:
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def _line(times: pd.Series, values: pd.Series, name: str, colour: str) -> go.Scatter:
    return go.Scatter(x=times, y=values, name=name, mode="lines+markers", line={"color": colour}, marker={"size": 8})


def _plain(figure: go.Figure, times: pd.Series, suffix: str = "") -> go.Figure:
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.15, "x": 0},
        hovermode="x unified",
    )
    figure.update_yaxes(rangemode="tozero", ticksuffix=suffix)
    figure.update_xaxes(
        range=_span(times), tickformat="%H:%M<br>%m-%d", hoverformat="%Y-%m-%d %H:%M", tickangle=0, nticks=6
    )
    return figure


def _span(times: pd.Series) -> list[pd.Timestamp]:
    """The whole window with half a bucket at both ends: a single point stands at its time, not in the middle."""
    half = (times.diff().min() if len(times) > 1 else pd.Timedelta(minutes=15)) / 2
    return [times.min() - half, times.max() + half]


def _local(times: pd.Series) -> pd.Series:
    return times.dt.tz_convert(st.context.timezone or "UTC").dt.tz_localize(None)
