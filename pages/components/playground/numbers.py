"""What answers took: seconds, tokens, money."""

import streamlit as st

from pages.components import session
from pages.components.playground.desk import Place
from services.playground import State, Variant

_ = session.text


def show_sum(place: Place, variant: Variant) -> None:
    """Over all its answers: how long, how many tokens, how much."""
    if place.run is None or place.run.live:
        return
    ended = [cell.answer.now for (slot, _question), cell in place.run.cells.items() if slot == variant.slot.id]
    done = [now for now in ended if now.state is State.DONE and now.seconds is not None]
    if not done:
        return
    costs = [now.cost for now in done if now.cost is not None]
    parts = [
        _(
            "Answers: {n}, {seconds} s on average",
            n=len(done),
            seconds=f"{sum(now.seconds or 0 for now in done) / len(done):.1f}",
        ),
        _("tokens {n}", n=f"{sum(now.sent + now.got for now in done):,}"),
        *([_("together {cost}", cost=money(place, sum(costs)))] if len(costs) == len(done) else []),
    ]
    st.caption(f":material/functions: {' · '.join(parts)}")


def money(place: Place, dollars: float) -> str:
    """In the app's currency, for markdown."""
    return session.escape(place.workspace.app.money.written(dollars))
