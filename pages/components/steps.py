"""The steps of a release: green, blue, red, stopped or waiting, with the time they take."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components import session

_ = session.text

ICON = {
    "waiting": ":gray[:material/radio_button_unchecked:]",
    "running": ":blue[:material/progress_activity:]",
    "stopped": ":orange[:material/pause_circle:]",
    "done": ":green[:material/check_circle:]",
    "failed": ":red[:material/error:]",
}


@dataclass(frozen=True)
class Item:
    """One step, waiting, running, stopped, done or failed; `seconds` is the time it took or takes, `expected` what it usually takes, where that is known."""

    title: str
    state: str
    detail: str
    seconds: float | None
    expected: float | None


def show(items: Sequence[Item]) -> None:
    for item in items:
        st.markdown(f"{ICON[item.state]} **{item.title}**{_time(item)}  \n{session.escape(item.detail)}")


def _time(item: Item) -> str:
    if item.expected is None:
        if item.state == "stopped":
            return ""
        return f" :gray[{session.seconds(item.seconds, 1)}]" if item.seconds is not None else ""
    if item.state in ("waiting", "stopped") or item.seconds is None:
        return f" :gray[{_('usually {n} s', n=round(item.expected))}]"
    if item.state == "running":
        return f" :gray[{_('{n} s, usually {expected} s', n=round(item.seconds), expected=round(item.expected))}]"
    return f" :gray[{session.seconds(item.seconds, 1)}]"
