"""A verdict as an operator reads it: the word, what is behind it by scorer, and every number in a sentence."""

from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go
import streamlit as st

from pages.components import charts, session
from services import verdicts
from services.messages import Message, mark
from services.verdicts import ScorerVerdict, Verdict

_, say = session.text, session.say

GREEN, GREY = "#059669", "#64748b"
WORD = {
    verdicts.BETTER: mark("Better"),
    verdicts.WORSE: mark("Worse"),
    verdicts.UNSURE: mark("Cannot tell yet"),
}
HEIGHT, LEAST_REACH = 84, 0.05


@dataclass(frozen=True)
class Look:
    """How a word looks everywhere: its badge and its mark in the picture."""

    badge: Literal["green", "red", "gray"]
    icon: str
    colour: str


LOOK = {
    verdicts.BETTER: Look("green", ":material/trending_up:", GREEN),
    verdicts.WORSE: Look("red", ":material/trending_down:", charts.RED),
    verdicts.UNSURE: Look("gray", ":material/help:", GREY),
}


def show(verdict: Verdict, key: str = "verdict") -> None:
    """The overall word with its sentence, then a line for each scorer with its change, drawn and told."""
    box = {verdicts.BETTER: st.success, verdicts.WORSE: st.error}.get(verdict.word, st.info)
    look = LOOK[verdict.word]
    box(f"**{_(WORD[verdict.word])}**  \n{session.escape(say(verdicts.sentence(verdict)))}", icon=look.icon)
    if len(verdict.scorers) != 1 and verdict.sentences:
        with st.expander(_("What the numbers of the whole mean"), icon=":material/functions:"):
            _told(verdict.sentences)
    judged = [one for one in verdict.scorers if one.rows]
    if not verdict.scorers:
        return
    with st.container(border=True, key=f"{key}-scorers", gap="small"):
        for one in verdict.scorers:
            _line(one, _reach(one, judged), f"{key}-{one.name}")
    if judged:
        st.caption(
            _(
                "Left of the line is worse, right of it is better. The bar is where the true change most likely lies; a bar that "
                "reaches across the line cannot tell. The dotted line is the loss that would not matter."
            )
        )


def _line(one: ScorerVerdict, reach: float, key: str) -> None:
    about, picture, rest = st.columns([2.4, 4, 2.4], vertical_alignment="center")
    with about.container(gap="xsmall"):
        st.markdown(f"**{session.escape(one.name)}**")
        look = LOOK[one.word]
        st.badge(_(WORD[one.word]), icon=look.icon, color=look.badge)
        if one.rows:
            st.caption(say(verdicts.change(one.difference, one.points)))
    if one.low is not None and one.high is not None:
        with picture:
            figure = _forest(one, one.low, one.high, reach)
            charts.show(figure, key=f"{key}-forest", told=_hint(one, one.low, one.high))
    with rest.container(gap="xsmall"):
        st.markdown(
            _(
                "▲ {better} better · ▼ {worse} worse · {same} the same",
                better=one.better,
                worse=one.worse,
                same=one.same,
            )
        )
        st.caption(_rows_needed(one))
        with st.popover(_("In words"), icon=":material/notes:"):
            _told(one.sentences)


def _rows_needed(one: ScorerVerdict) -> str:
    if one.needed_rows == 0:
        return _("Enough questions: it is settled.")
    if one.needed_rows is None:
        return _("How many more questions it takes cannot be said.")
    return _("About {n} more {n:question|questions} would settle it.", n=f"{verdicts.about(one.needed_rows):,}")


def _told(sentences: tuple[Message, ...]) -> None:
    st.markdown("\n".join(f"- {session.escape(say(one))}" for one in sentences))


def _reach(one: ScorerVerdict, judged: list[ScorerVerdict]) -> float:
    """How far the picture goes to both sides: shares on one scale, so that they compare by eye, numbers each on its own."""
    alike = [other for other in judged if other.points] if one.points else [one]
    widest = max((max(abs(each.low or 0), abs(each.high or 0), each.margin) for each in alike), default=0.0)
    return max(widest * 1.15, LEAST_REACH if one.points else 0.01)


def _forest(one: ScorerVerdict, low: float, high: float, reach: float) -> go.Figure:
    """The change as a point on its interval, between a line at no change and one at the margin."""
    scale = 100 if one.points else 1
    colour = LOOK[one.word].colour
    middle, left, right, edge = (value * scale for value in (one.difference, low, high, reach))
    figure = go.Figure(
        go.Scatter(
            x=[middle],
            y=[0],
            mode="markers",
            marker={"size": 13, "color": colour, "symbol": "diamond"},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [right - middle],
                "arrayminus": [middle - left],
                "color": colour,
                "thickness": 3,
                "width": 7,
            },
            hovertemplate=_hint(one, low, high) + "<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_vline(x=0, line={"color": GREY, "width": 1.5})
    figure.add_vline(x=-one.margin * scale, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_layout(height=HEIGHT, margin={"l": 8, "r": 8, "t": 4, "b": 22}, hovermode="closest")
    figure.update_yaxes(visible=False, range=[-1, 1], fixedrange=True)
    figure.update_xaxes(
        range=[-edge, edge], nticks=7, fixedrange=True, zeroline=False, tickformat="~g", separatethousands=True
    )
    return figure


def _hint(one: ScorerVerdict, low: float, high: float) -> str:
    change, left, right = (say(verdicts.change(value, one.points)) for value in (one.difference, low, high))
    return _("{change}, between {low} and {high}", change=change, low=left, high=right)
