"""What a reviewer says of one answer: a button for each choice, fields for numbers and words, a comment."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.components import session
from pages.components.reviews import words
from services.reviews import Kind, Label
from services.reviews.desk import LONGEST_WHY
from services.reviews.forms import LONGEST_TEXT
from services.reviews.records import Item
from services.reviews.shown import Shown

_ = session.text
DIGITS = 9


def remember(item: Item, labels: tuple[Label, ...], seen: Shown) -> None:
    """Begin with what this person said before."""
    for label in labels:
        st.session_state.setdefault(key(item.id, label.name), seen.mine.said.get(label.name))
    st.session_state.setdefault(comment_key(item.id), seen.mine.comment)


def chosen(id: int, labels: tuple[Label, ...]) -> dict[str, Any]:
    """What was chosen and written so far."""
    return {label.name: st.session_state.get(key(id, label.name)) for label in labels}


def comment(id: int) -> str:
    return str(st.session_state.get(comment_key(id)) or "")


def clear(id: int, labels: tuple[Label, ...]) -> None:
    for label in labels:
        st.session_state.pop(key(id, label.name), None)


def keep_typed(id: int, labels: tuple[Label, ...]) -> None:
    """Remember what was typed: Streamlit forgets the fields of an answer that is no longer on the screen."""
    typed = [comment_key(id), *(key(id, label.name) for label in labels if not _choices(label))]
    st.session_state[_typed_key(id)] = {one: st.session_state.get(one) for one in typed}


def type_again(id: int) -> None:
    """What was typed before it was taken back, so that nobody types it twice."""
    st.session_state.update(st.session_state.pop(_typed_key(id), {}))


def at_once(labels: tuple[Label, ...]) -> bool:
    """Whether one press says everything that is asked."""
    return len(labels) == 1 and bool(_choices(labels[0]))


def show(item: Item, labels: tuple[Label, ...], may: bool, press: Callable[[int, str, Any], None]) -> None:
    """The labels with their choices; the keys belong to the first one that is still open."""
    now = _current(item, labels)
    for label in labels:
        choices = _choices(label)
        optional = "" if label.needed else f" :gray[{_('(may stay open)')}]"
        if choices:
            mine = ":blue[:material/keyboard_arrow_right:] " if now is label and len(labels) > 1 else ""
            st.markdown(f"{mine}**{session.escape(words.asked(label))}**{optional}")
            _show_choices(item, label, choices, may, press, now is label)
        else:
            with st.container(key=f"review-field-{item.id}-{labels.index(label)}"):
                _show_field(item, label, may)
    _show_comment(item, may)


def _show_comment(item: Item, may: bool) -> None:
    st.text_area(
        _("Comment (W)"),
        key=comment_key(item.id),
        max_chars=LONGEST_WHY,
        height=80,
        placeholder=_("Why? It helps whoever improves the agent or the scorer."),
        disabled=not may,
    )


def show_fields(item: Item, labels: tuple[Label, ...]) -> None:
    """Only what is typed, to be read: beside the reasons for which the answer is skipped."""
    for label in labels:
        if not _choices(label):
            _show_field(item, label, may=False)
    _show_comment(item, may=False)


def key(id: int, name: str) -> str:
    return f"review/{id}/{name}"


def comment_key(id: int) -> str:
    """The keys of the page find the field by this beginning."""
    return f"review-write-{id}"


def _typed_key(id: int) -> str:
    return f"review/typed/{id}"


def _choices(label: Label) -> list[tuple[Any, str, str]]:
    """Value, words and key of each choice; empty for what is typed."""
    if label.kind is Kind.PASS:
        return [(True, _("Passes"), "P"), (False, _("Does not pass"), "F")]
    if label.kind is Kind.CATEGORY:
        return [(option, option, str(number)) for number, option in enumerate(label.options, 1)]
    whole = label.kind is Kind.NUMBER and label.low.is_integer() and label.high.is_integer()
    if whole and label.low >= 0 and label.high <= DIGITS:
        return [(float(n), str(n), str(n)) for n in range(int(label.low), int(label.high) + 1)]
    return []


def _current(item: Item, labels: tuple[Label, ...]) -> Label | None:
    """Whose choices the keys are."""
    pressed = [label for label in labels if _choices(label)]
    still = [label for label in pressed if st.session_state.get(key(item.id, label.name)) is None]
    if len(pressed) == 1:
        return pressed[0]
    return still[0] if still else None


def _show_choices(
    item: Item,
    label: Label,
    choices: list[tuple[Any, str, str]],
    may: bool,
    press: Callable[[int, str, Any], None],
    keys: bool,
) -> None:
    said = st.session_state.get(key(item.id, label.name))
    with st.container(horizontal=True, gap="small"):
        for value, told, letter in choices:
            st.button(
                session.escape(told),
                key=f"say-{label.name}-{letter}",
                type="primary" if said == value else "secondary",
                shortcut=letter if keys and may else None,
                on_click=press,
                args=(item.id, label.name, value),
                disabled=not may,
            )


def _show_field(item: Item, label: Label, may: bool) -> None:
    asked = session.escape(words.asked(label)) + (" (A)" if label.needed else " " + _("(A, may stay open)"))
    if label.kind is Kind.NUMBER:
        st.number_input(
            asked, label.low, label.high, value=None, key=key(item.id, label.name), disabled=not may, step=0.1
        )
        return
    st.text_area(asked, key=key(item.id, label.name), max_chars=LONGEST_TEXT, height=100, disabled=not may)
