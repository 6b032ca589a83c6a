"""Plotly figures of production: small, quiet, in the viewer's time zone."""

import html
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.components import session
from services.monitoring import Overview

_ = session.text

BLUE, RED, ORANGE, GREEN, GREY = "#2563eb", "#dc2626", "#d97706", "#059669", "#94a3b8"
LINES = (BLUE, ORANGE, GREEN, "#7c3aed", "#db2777", "#0891b2", "#65a30d", "#475569")
SYMBOLS = ("circle-open", "square-open", "diamond-open", "triangle-up-open", "hexagon-open", "star-open")
SHARE = "%{text} (n = %{customdata})"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HEIGHT = 240
DAY = timedelta(hours=23)  # the shortest, when clocks go forward
FEW = 6
MANY = 40
NEAR = 0.06  # of a chart's width: two letters nearer than that lie on each other on a narrow screen


def volume(found: Overview) -> go.Figure:
    """Answered and failed questions per bucket."""
    parts = found.series.buckets
    fine = [part.count - part.errors for part in parts]
    # Left alone, the axis of few questions counts halves of one.
    step = 1 if max((part.count for part in parts), default=0) < FEW else None
    bars = [_bar(found, fine, _("answered"), BLUE), _bar(found, [part.errors for part in parts], _("failed"), RED)]
    return _plain(go.Figure(bars, go.Layout(barmode="stack", yaxis={"dtick": step})), found)


def seconds(found: Overview) -> go.Figure:
    """The median and the slowest tenth, twentieth and hundredth of the answers; dotted, when half had begun."""
    names = (_("median"), _("90 of 100"), _("95 of 100"), _("99 of 100"))
    lines = [
        _line(found, [part.millis[position] / 1000 for part in found.series.buckets], name, position)
        for position, name in enumerate(names)
    ]
    if found.total.streamed:
        began = _line(
            found, [part.first[0] / 1000 for part in found.series.buckets], _("first words, median"), len(names)
        )
        lines.append(began.update(line={"dash": "dot"}))
    return _plain(go.Figure(lines), found, suffix=_("{seconds} s", seconds=""))


def pass_rates(found: Overview, kind: str) -> go.Figure:
    """One line per scorer over the whole window; the marks say how many answers they rest on."""
    figure = go.Figure()
    names = [one.now.name for one in found.of_kind(kind) if one.now.judged]
    for position, name in enumerate(names):
        given = [_of(scores, kind, name) for scores in found.series.bucket_scores]
        line = _line(found, [one.rate if one else None for one in given], html.escape(name), position)
        # Open marks of different shapes: scorers that agree lie on each other and must all be seen.
        line.update(marker={"symbol": SYMBOLS[position % len(SYMBOLS)], "size": 9 + 2 * (position % len(SYMBOLS))})
        line.update(mode="lines+markers", connectgaps=True)
        counted = [one.judged if one else 0 for one in given]
        figure.add_trace(line.update(customdata=counted, text=percents(line.y), hovertemplate=SHARE))
    return _plain(as_shares(figure), found)


def tokens(found: Overview) -> go.Figure:
    parts = found.series.buckets
    bars = [
        _bar(found, [part.tokens_in for part in parts], _("sent to the model"), BLUE),
        _bar(found, [part.tokens_out for part in parts], _("written by the model"), GREEN),
    ]
    return _plain(go.Figure(bars, go.Layout(barmode="stack")), found)


def cost(found: Overview) -> go.Figure:
    """In the app's currency."""
    spent = [found.money.of(part.cost or 0) for part in found.series.buckets]
    figure = go.Figure([_bar(found, spent, found.money.sign, ORANGE)], go.Layout(showlegend=False))
    figure.update_yaxes(tickprefix=f"{found.money.sign} ")
    return _plain(figure, found)


def opinions(found: Overview, name: str) -> go.Figure:
    """How many people said that an answer helped, and that it did not."""
    given = [_of(scores, "people", name) for scores in found.series.bucket_scores]
    up = [one.passed if one else 0 for one in given]
    down = [one.judged - one.passed if one else 0 for one in given]
    bars = [_bar(found, up, _("helped"), GREEN), _bar(found, down, _("did not help"), RED)]
    return _plain(go.Figure(bars, go.Layout(barmode="stack")), found)


def as_shares(figure: go.Figure) -> go.Figure:
    """An axis from nothing to all, in percent as sentences write it."""
    marked = [one / 5 for one in range(6)]
    return figure.update_yaxes(range=[0, 1.08], tickvals=marked, ticktext=percents(marked))


def percents(shares: Iterable[float | None]) -> list[str]:
    """The `text` of a line that SHARE shows."""
    return ["" if one is None else session.percent(one) for one in shares]


def show(figure: go.Figure, key: str, told: str) -> int | None:
    """Draw it, with `told` for those who cannot see it; returns the bucket that was clicked."""
    drawn: Any = st.plotly_chart(
        figure, key=key, config={"displayModeBar": False}, on_select="rerun", selection_mode="points", alt=told
    )
    return clicked(drawn)


def clicked(state: Any) -> int | None:
    """Which bucket a chart's state says was clicked."""
    points = (state or {}).get("selection", {}).get("points", [])
    return int(points[0]["point_index"]) if points else None


def letter(position: int) -> str:
    return LETTERS[position % len(LETTERS)]


def _of(scores: Sequence[Any], kind: str, name: str) -> Any:
    return next((one for one in scores if (one.kind, one.name) == (kind, name) and one.judged), None)


def _bar(found: Overview, values: list[Any], name: str, colour: str) -> go.Bar:
    return go.Bar(x=_starts(found), y=values, name=name, marker_color=colour)


def _line(found: Overview, values: list[Any], name: str, position: int) -> go.Scatter:
    colour = {"color": LINES[position % len(LINES)]}
    marks = {"size": _sizes(values)}
    return go.Scatter(x=_starts(found), y=values, name=name, mode="lines+markers", line=colour, marker=marks)


def _sizes(values: Sequence[float | None]) -> list[int]:
    """Every value is marked where there are few; among many only one without neighbours, which no line reaches."""
    known = [False, *(one is not None and one == one for one in values), False]
    few = len(values) < MANY
    return [7 if few or (known[at] and not (known[at - 1] or known[at + 1])) else 0 for at in range(1, len(known) - 1)]


def _plain(figure: go.Figure, found: Overview, suffix: str = "") -> go.Figure:
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.1 if found.markers else 1.02,
            "x": 0,
            "traceorder": "normal",
        },
        hovermode="x unified",
        clickmode="event+select",
        dragmode=False,
    )
    figure.update_yaxes(rangemode="tozero", ticksuffix=suffix, fixedrange=True)
    figure.update_xaxes(
        range=_span(found), tickformat=_ticks(found), hoverformat="%Y-%m-%d %H:%M", tickangle=0, nticks=6
    )
    figure.update_xaxes(fixedrange=True)
    for marker in found.markers:
        at = local([marker.at])[0].timestamp() * 1000
        figure.add_vline(x=at, line={"color": GREY, "width": 1, "dash": "dot"})
    for at, sign in signs(found):
        figure.add_annotation(
            x=local([at])[0], y=1, yref="paper", text=sign, showarrow=False, yanchor="bottom", font={"size": 10}
        )
    return figure


def signs(found: Overview) -> list[tuple[datetime, str]]:
    """The letters above the marks, each with its time; marks too near to each other for a letter each share one text."""
    near = (found.times[-1] - found.times[0]) * NEAR
    groups: list[list[int]] = []
    for position, marker in enumerate(found.markers):
        if groups and marker.at - found.markers[groups[-1][0]].at < near:
            groups[-1].append(position)
        else:
            groups.append([position])
    return [
        (found.markers[one[0]].at, letter(one[0]) if len(one) == 1 else f"{letter(one[0])}–{letter(one[-1])}")
        for one in groups
    ]


def _span(found: Overview) -> list[pd.Timestamp]:
    """The whole window, from half a bucket before it: a single point stands at its time, not in the middle."""
    times = local(found.times)
    half = (times[1] - times[0]) / 2
    return [times[0] - half, times[-1]]


def _ticks(found: Overview) -> str:
    """Over weeks the hour says nothing."""
    return "%m-%d" if found.times[1] - found.times[0] >= DAY else "%H:%M<br>%m-%d"


def _starts(found: Overview) -> pd.DatetimeIndex:
    return local(found.times)[:-1]


def local(times: Sequence[datetime]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(times).tz_convert(st.context.timezone or "UTC").tz_localize(None)
