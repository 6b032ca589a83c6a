"""Charts that the SQL warehouse draws from the archive: asked for by a click, because a warehouse costs while it runs."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import plotly.graph_objects as go
import streamlit as st

from pages.components import charts, feedback, session
from pages.components.archive import controls
from services import audit, database
from services.audit import Verb
from services.messages import Message
from services.platforms.databricks import queries, warehouse
from services.platforms.databricks.archiving import Archive
from services.platforms.databricks.queries import Day, Rate
from services.platforms.databricks.warehouse import Warehouse
from services.workspace import Workspace

_ = session.text
CONFIG = {"displayModeBar": False}


@dataclass(frozen=True)
class Drawn:
    """What was read, and when."""

    table: str
    days: Sequence[Day]
    rates: Sequence[Rate]
    at: datetime


def show(workspace: Workspace, archive: Archive) -> None:
    """For a table that is there."""
    st.markdown(f"**{_('Charts from the table')}**")
    now = warehouse.state(workspace)
    if now is None:
        st.info(_("Choose a SQL warehouse on the Connection screen: it reads the table."))
        return
    _show_warehouse(workspace, archive, now)
    drawn: Drawn | None = st.session_state.get(_key(workspace))
    if drawn is not None and drawn.table == archive.table:
        _show(drawn)


def _show_warehouse(workspace: Workspace, archive: Archive, now: Warehouse) -> None:
    if now.running:
        st.button(_("Draw from the table"), key="draw-archive", on_click=_draw, args=(workspace, archive))
        return
    name = session.escape(now.name)
    if now.starting:
        st.info(
            _("The SQL warehouse {name} is starting; that takes some minutes.", name=name),
            icon=":material/hourglass_top:",
        )
        st.button(_("Look again"), key="look-at-warehouse")
        return
    st.info(
        _(
            "The SQL warehouse {name} is stopped. While it runs it costs; it stops by itself when nobody asks.",
            name=name,
        )
    )
    st.button(
        _("Start the SQL warehouse"),
        key="start-warehouse",
        on_click=_start,
        args=(workspace, now),
        disabled=not audit.allowed(workspace, Verb.START_WAREHOUSE),
    )


def _show(drawn: Drawn) -> None:
    if not drawn.days:
        st.info(_("The table is there and has no rows yet."))
        return
    total = sum(one.n for one in drawn.days)
    told = _("{n} traces on {days} days, read at {time}.", n=total, days=len(drawn.days), time=session.moment(drawn.at))
    st.caption(told)
    left, right = st.columns(2)
    with left:
        st.markdown(_("Traces by day"))
        st.plotly_chart(_volume(drawn.days), key="archive-volume", config=CONFIG, alt=told)
    with right:
        st.markdown(_("Each scorer's pass rate by day"))
        if drawn.rates:
            st.plotly_chart(_rates(drawn.rates), key="archive-rates", config=CONFIG, alt=_lowest(drawn.rates))
        else:
            st.caption(_("No trace of the table has a verdict that is a yes or a no."))


def _volume(days: Sequence[Day]) -> go.Figure:
    x = [one.day for one in days]
    fine = [one.n - (one.failed or 0) for one in days]
    bars = [go.Bar(x=x, y=fine, name=_("answered"), marker_color=charts.BLUE)]
    if any(one.failed is not None for one in days):
        failed = [one.failed or 0 for one in days]
        bars.append(go.Bar(x=x, y=failed, name=_("failed"), marker_color=charts.RED))
    return _plain(go.Figure(bars, go.Layout(barmode="stack")))


def _rates(rates: Sequence[Rate]) -> go.Figure:
    """One line per scorer; the marks say how many verdicts they rest on."""
    figure = go.Figure()
    for position, (name, of_one) in enumerate(_by_scorer(rates)):
        figure.add_scatter(
            x=[one.day for one in of_one],
            y=[one.passed for one in of_one],
            customdata=[one.n for one in of_one],
            name=name,
            mode="lines+markers",
            line={"color": charts.LINES[position % len(charts.LINES)]},
            text=charts.percents(one.passed for one in of_one),
            hovertemplate=charts.SHARE,
        )
    return _plain(charts.as_shares(figure))


def _by_scorer(rates: Sequence[Rate]) -> list[tuple[str, list[Rate]]]:
    ordered = sorted(rates, key=lambda one: (one.scorer, one.day))
    return [(html.escape(name), list(found)) for name, found in groupby(ordered, key=lambda one: one.scorer)]


def _lowest(rates: Sequence[Rate]) -> str:
    least = min(rates, key=lambda one: one.passed)
    return _(
        "The lowest: {scorer}, {percent} of {n} on {day}.",
        scorer=least.scorer,
        percent=session.percent(least.passed),
        n=least.n,
        day=least.day,
    )


def _plain(figure: go.Figure) -> go.Figure:
    figure.update_layout(
        height=charts.HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.15, "x": 0, "traceorder": "normal"},
        hovermode="x unified",
        dragmode=False,
    )
    figure.update_xaxes(fixedrange=True, tickangle=0, nticks=6, tickformat="%m-%d", hoverformat="%Y-%m-%d", type="date")
    return figure.update_yaxes(rangemode="tozero", fixedrange=True)


def _draw(workspace: Workspace, archive: Archive) -> None:
    with feedback.action(Message("Drawn from the table.")):
        read = Drawn(archive.table, queries.days(workspace, archive), _read_rates(workspace, archive), database.now())
        st.session_state[_key(workspace)] = read


def _read_rates(workspace: Workspace, archive: Archive) -> Sequence[Rate]:
    """A table without verdicts, or with others than expected, is still drawn."""
    return queries.rates(workspace, archive) if queries.pass_rates(archive) else ()


def _start(workspace: Workspace, now: Warehouse) -> None:
    with feedback.action(Message("The SQL warehouse is starting. Look again in some minutes.")):
        warehouse.start(workspace, now)


def _key(workspace: Workspace) -> str:
    return controls.key(workspace, "drawn")
