"""The form for what is asked about each answer: a card for each thing, and a button for one more."""

import itertools
import re
from collections.abc import Iterable
from typing import Any

import streamlit as st

from pages.components import session
from pages.components.reviews import words
from services import scorers
from services.reviews import Kind, Label
from services.reviews.forms import MOST_LABELS
from services.traces.opinions import OPINION
from services.workspace import Workspace

_ = session.text
LIST, COUNTER = "review-asked", "review-asked/next"
EXPECTED = "expected_response"
COMMAS = re.compile(r"[,、，\n]")
NOT_IN_NAMES = re.compile(r"[^\w .-]|^[\W_]+")
MEASURES = (Kind.PASS, Kind.NUMBER)


def show(workspace: Workspace, musts: bool = True) -> None:
    """`musts`: each can be said to be a must."""
    known = ["", OPINION, *(spec.name for spec in scorers.all(workspace))]
    for id in _ids():
        with st.container(border=True, key=f"review-asked-{id}"):
            _show_one(id, known, musts)
    st.button(
        _("Ask one more thing"),
        key=f"{LIST}/add",
        icon=":material/add:",
        on_click=_add,
        disabled=len(_ids()) >= MOST_LABELS,
    )


def fill(labels: Iterable[Label]) -> None:
    """Ask these, in a callback or before the form is drawn."""
    st.session_state[LIST] = []
    for label in labels:
        _put(label)


def read() -> tuple[Label, ...]:
    """What the form asks now."""
    return tuple(_label(id) for id in _ids())


def usual_answer() -> Label:
    return Label(EXPECTED, Kind.ANSWER, _("What would be right? Only where it is not."), needed=False)


def _show_one(id: int, known: list[str], musts: bool) -> None:
    ask, kind, away = st.columns([5, 3, 1], vertical_alignment="bottom")
    ask.text_input(_("What is asked"), key=_key(id, "ask"), placeholder=_("It is right"))
    kind.selectbox(_("Answered by"), list(Kind), format_func=lambda one: _(words.KIND[one]), key=_key(id, "kind"))
    away.button(
        "", key=_key(id, "away"), icon=":material/close:", type="tertiary", help=_("Take this away"), on_click=_remove, args=(id,)
    )  # fmt: skip
    chosen = st.session_state[_key(id, "kind")]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if chosen is Kind.CATEGORY:
            st.text_input(_("Categories, with commas between"), key=_key(id, "options"), placeholder=_("tone, facts, length"))  # fmt: skip
        if chosen is Kind.NUMBER:
            for label, name, usual in ((_("Lowest"), "low", 1.0), (_("Highest"), "high", 5.0)):
                st.session_state.setdefault(_key(id, name), usual)
                st.number_input(label, step=1.0, key=_key(id, name), width=140)
        if chosen in MEASURES:
            st.selectbox(
                _("It measures the scorer"),
                known,
                format_func=_measured,
                key=_key(id, "measures"),
                help=_("How well a scorer agrees with people is counted from this."),
                width=260,
            )
        if musts:
            st.toggle(_("Must be said"), key=_key(id, "needed"))


def _measured(name: str) -> str:
    return {"": _("none"), OPINION: _("none; it counts as a thumb")}.get(name, name)


def _label(id: int) -> Label:
    said = {
        name: st.session_state.get(_key(id, name)) for name in ("ask", "kind", "options", "low", "high", "measures")
    }
    kind = said["kind"] or Kind.PASS
    ask = str(said["ask"] or "").strip()
    measures = said["measures"] if kind in MEASURES else ""
    return Label(
        name=EXPECTED if kind is Kind.ANSWER else measures or NOT_IN_NAMES.sub("", ask)[:40].strip(),
        kind=kind,
        ask=ask,
        options=_options(said["options"]) if kind is Kind.CATEGORY else (),
        low=1.0 if said["low"] is None else float(said["low"]),
        high=5.0 if said["high"] is None else float(said["high"]),
        needed=bool(st.session_state.get(_key(id, "needed"))),
    )


def _options(typed: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in COMMAS.split(str(typed or "")) if one.strip()))


def _put(label: Label) -> None:
    """One more card, under a number that none had yet: a field that comes back would come with its old text."""
    counter = st.session_state.setdefault(COUNTER, itertools.count())
    id = next(counter)
    given = {"ask": label.ask, "kind": label.kind, "options": ", ".join(label.options), "needed": label.needed}
    given |= {"low": label.low, "high": label.high}
    given |= {"measures": label.name if label.kind in MEASURES and label.name != EXPECTED else ""}
    for name, value in given.items():
        st.session_state[_key(id, name)] = value
    st.session_state[LIST] = [*_ids(), id]


def _add() -> None:
    _put(Label("", Kind.PASS))


def _remove(id: int) -> None:
    st.session_state[LIST] = [one for one in _ids() if one != id]


def _ids() -> list[int]:
    return list(st.session_state.get(LIST, []))


def _key(id: int, name: str) -> str:
    return f"{LIST}/{id}/{name}"
