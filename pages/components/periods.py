"""Periods with their reasons, each with a way to take it away."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import streamlit as st

from pages.components import session

_ = session.text


class Period(Protocol):
    """From `start` to `end`, and why."""

    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def why(self) -> str: ...


P = TypeVar("P", bound=Period)


def show(
    found: Sequence[P],
    key: str,
    keep: Callable[[list[P]], None],
    *,
    may: bool,
    moment: Callable[[datetime], str] = session.moment,
) -> None:
    """One line each, from `moment` to `moment`; `keep` saves the others when one is taken away."""
    for position, one in enumerate(found):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{moment(one.start)} – {moment(one.end)} · {session.escape(one.why)}", width="stretch")
            others = [*found[:position], *found[position + 1 :]]
            st.button(_("Take away"), key=f"{key}-{position}", on_click=keep, args=(others,), disabled=not may)
