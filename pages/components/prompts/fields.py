"""Everything of a version that is not its text: title, labels, model settings, response format."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import session
from pages.components.prompts import labels as named
from services.errors import InvalidInputError
from services.prompts import Content, ModelSettings
from services.prompts.checks import LONGEST_LABEL, parse_response_format
from services.prompts.content import LABELS, TITLE
from services.prompts.drafts import Draft

MOST_TOLD = 8
SETTINGS = ("model_name", "temperature", "max_tokens", "top_p")
_ = session.text


def values(draft: Draft) -> dict[str, Any]:
    """What stands in each field."""
    labels, settings = draft.content.labels, draft.content.settings
    schema = draft.content.response_format
    written = json.dumps(schema, ensure_ascii=False, indent=2) if schema else ""
    return {
        **{name: labels.get(name) for name in LABELS},
        TITLE: labels.get(TITLE, ""),
        "model_name": settings.model_name,
        "temperature": None if settings.temperature is None else float(settings.temperature),
        "max_tokens": settings.max_tokens,
        "top_p": None if settings.top_p is None else float(settings.top_p),
        "stop": list(settings.stop_sequences),
        "format": draft.typed_format or written,
        "note": draft.note,
        "name": draft.new_name,
    }


def fill(key: str, draft: Draft, *, missing: bool = False) -> None:
    """Write the draft into the fields; with `missing`, only into those that lost their value by leaving the page."""
    for name, value in values(draft).items():
        if not (missing and f"{key}/{name}" in st.session_state):
            st.session_state[f"{key}/{name}"] = value


def gathered(key: str, draft: Draft) -> Draft:
    """The draft with what stands in the fields now; a response format that is not JSON yet is kept as typed."""
    typed = {name: st.session_state.get(f"{key}/{name}", value) for name, value in values(draft).items()}
    content = draft.content
    labels = {name: value for name, value in content.labels.items() if name not in (TITLE, *LABELS)}
    labels |= {name: str(typed[name]).strip() for name in (TITLE, *LABELS) if str(typed[name] or "").strip()}
    settings = ModelSettings(
        **{name: typed[name] for name in SETTINGS}, stop_sequences=tuple(typed["stop"]), others=content.settings.others
    )
    schema, unread = _read(typed["format"])
    return replace(
        draft,
        content=Content(content.template, settings, schema, labels),
        note=typed["note"],
        new_name=typed["name"],
        typed_format=unread,
    )


def show_labels(key: str, used: Mapping[str, Iterable[str]], off: bool) -> None:
    """Title and labels; what was used before is offered, and anything else may be typed."""
    st.text_input(
        _("Title"), key=f"{key}/{TITLE}", disabled=off, max_chars=LONGEST_LABEL, placeholder=_("A name for people")
    )
    left, right = st.columns(2)
    for position, name in enumerate(LABELS):
        with (left, right)[position % 2]:
            named.choose(name, f"{key}/{name}", used.get(name, ()), off)


def show_settings(key: str, models: Iterable[str], off: bool) -> None:
    """How the model is called; an empty field leaves it to the agent."""
    st.caption(_("An empty field leaves the setting to the agent."))
    left, right = st.columns(2)
    left.selectbox(
        _("Model"),
        list(dict.fromkeys([*_now(key, "model_name"), *(name for name in models if name)])),
        index=None,
        key=f"{key}/model_name",
        accept_new_options=True,
        disabled=off,
        placeholder="–",
    )
    for place, name, title, step in (
        (right, "temperature", _("Temperature"), 0.1),
        (left, "max_tokens", _("Most tokens of an answer"), 50),
        (right, "top_p", _("Top p"), 0.05),
    ):
        place.number_input(title, value=None, step=step, key=f"{key}/{name}", disabled=off, placeholder="–")
    st.multiselect(
        _("Stop sequences"),
        st.session_state[f"{key}/stop"],
        key=f"{key}/stop",
        accept_new_options=True,
        disabled=off,
        placeholder=_("Type one and press Enter"),
        help=_("The model stops as soon as it writes one of them."),
    )
    st.text_area(
        _("Response format (JSON schema)"),
        key=f"{key}/format",
        height=120,
        disabled=off,
        placeholder='{"type": "object", "properties": {"answer": {"type": "string"}}}',
        help=_("Leave it empty for an answer in plain text."),
    )


def summary(draft: Draft) -> str:
    """The settings in a few words, first those that reach the model; nothing when the version sets none."""
    settings = draft.content.settings
    parts = [
        *([settings.model_name] if settings.model_name else []),
        *([_("temperature {n}", n=settings.temperature)] if settings.temperature is not None else []),
        *([f"top_p {settings.top_p}"] if settings.top_p is not None else []),
        *([_("at most {n} tokens", n=settings.max_tokens)] if settings.max_tokens is not None else []),
        *([_("stops at {texts}", texts=_in_line(settings.stop_sequences))] if settings.stop_sequences else []),
        *([_("response format")] if draft.content.response_format else []),
        *(f"{name} {value}" for name, value in settings.others.items()),
    ]
    return ", ".join(parts[:MOST_TOLD] + (["…"] if len(parts) > MOST_TOLD else []))


def _in_line(texts: Iterable[str]) -> str:
    return " ".join(texts).replace("\n", "↵")


def _now(key: str, name: str) -> list[str]:
    value = st.session_state.get(f"{key}/{name}")
    return [value] if value else []


def _read(text: str) -> tuple[Mapping[str, Any] | None, str]:
    try:
        return parse_response_format(text), ""
    except InvalidInputError:
        return None, text
