"""What is offered to choose from, in words that differ: Streamlit knows a choice by its words alone; and what a field shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.elements.widgets.multiselect import MultiSelectSerde
from streamlit.elements.widgets.radio import RadioSerde
from streamlit.elements.widgets.selectbox import SelectboxSerde
from streamlit.runtime.scriptrunner import get_script_run_ctx

from services import wording

LAST = 6
WORDED = (SelectboxSerde, RadioSerde, MultiSelectSerde)
Key = TypeVar("Key")


def apart(told: Mapping[Key, str]) -> dict[Key, str]:
    """The words of each choice, in the order given; those that others have too also say the end of their id."""
    times = Counter(told.values())
    return {id: words if times[words] == 1 else f"{words} ({str(id)[-LAST:]})" for id, words in told.items()}


def question(asked: Sequence[str], language: str) -> str:
    """What a field for a question begins with: the first of these in the reader's language, else the first."""
    return next((one for one in asked if wording.language(one) == language), next(iter(asked), ""))


def seed(key: str, value: Any, /, **default: Any) -> dict[str, Any]:
    """Let a field show `value`; one that shows it already is left alone, so that typing is not undone.

    It gets `default` (`value` or `index`) then: a run that the next one overtakes never reaches the browser, which
    would send the empty default of Streamlit as somebody's choice.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
        return {"key": key}
    return {"key": key, **default}


def tell_again() -> None:
    """Have the browser show each choice in the words of a new language; it would go on with the old ones, or with none.

    A value that is set is sent. Streamlit has no way to say of which kind a field is, so its own record of it is asked.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    state = context.session_state._state
    for key in list(st.session_state):
        field = state.get_widget_metadata(state.get_widget_id_from_key(str(key)) or "")
        if field and isinstance(getattr(field.deserializer, "__self__", None), WORDED):
            st.session_state[key] = st.session_state[key]
