"""A variant's own text, model and settings: what is changed here is a copy."""

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import choices, session
from pages.components.playground import desk
from pages.components.playground.desk import Place
from services import playground
from services.playground import Desk, Slot, Variant
from services.prompts import Content
from services.workspace import Workspace

TEXT_HEIGHT = 240
MESSAGE_HEIGHT = 120
_ = session.text


def show_text(place: Place, variant: Variant) -> None:
    """The text, or every message of a chat prompt."""
    slot, content = variant.slot, variant.content
    with st.expander(_("Text"), icon=":material/edit_note:"):
        for position, message in enumerate(content.messages):
            st.text_area(
                session.escape(message.role) if content.is_chat else _("What the assistant is told"),
                **choices.seed(desk.key(place, slot.id, f"text-{position}"), message.content, value=message.content),
                height=MESSAGE_HEIGHT if content.is_chat else TEXT_HEIGHT,
                on_change=desk.take_in,
                args=(place.workspace, place.prompt),
            )
        st.caption(_("What you change here is a copy; the version stays as it is."))


def show_settings(place: Place, variant: Variant) -> None:
    """The model and the settings; what the version has stands in the empty fields."""
    slot, saved = variant.slot, _base(place, variant.slot)
    changed: dict[str, Any] = {"on_change": desk.take_in, "args": (place.workspace, place.prompt)}
    own, stops = _("the model's own"), "\n".join(slot.fields.stop_sequences)
    with st.expander(_("Model and settings"), icon=":material/tune:"):
        models = [
            name
            for name in (slot.fields.model_name, saved.settings.model_name, playground.app_model(place.workspace))
            if name
        ]
        st.selectbox(
            _("Model"),
            list(dict.fromkeys([*models, *playground.reach(place.workspace).models])),
            **choices.seed(desk.key(place, slot.id, "model"), slot.fields.model_name),
            index=None,
            placeholder=saved.settings.model_name or playground.app_model(place.workspace),
            accept_new_options=True,
            **changed,
        )
        st.number_input(
            _("Temperature"),
            0.0,
            2.0,
            step=0.1,
            **choices.seed(desk.key(place, slot.id, "temperature"), slot.fields.temperature),
            placeholder=_given(saved.settings.temperature) or own,
            value=None,
            **changed,
        )
        st.number_input(
            _("Longest answer in tokens"),
            1,
            1_000_000,
            **choices.seed(desk.key(place, slot.id, "max_tokens"), slot.fields.max_tokens),
            placeholder=_given(saved.settings.max_tokens) or own,
            value=None,
            **changed,
        )
        st.number_input(
            "top_p",
            0.0,
            1.0,
            step=0.05,
            **choices.seed(desk.key(place, slot.id, "top_p"), slot.fields.top_p),
            placeholder=_given(saved.settings.top_p) or own,
            value=None,
            **changed,
        )
        st.text_area(
            _("Stop before one of these, one per line"),
            **choices.seed(desk.key(place, slot.id, "stop"), stops, value=stops),
            placeholder="\n".join(saved.settings.stop_sequences),
            height=68,
            **changed,
        )
        st.caption(_("An empty field leaves the version's own setting, then the app's model."))


def show_undo(place: Place, slot: Slot) -> None:
    if slot.touched:
        st.button(
            _("Take the changes back"),
            icon=":material/undo:",
            key=f"undo-{slot.id}",
            on_click=_undo,
            args=(place.workspace, place.prompt, slot.id),
        )


def _base(place: Place, slot: Slot) -> Content:
    if slot.version is None:
        return place.draft.content if place.draft else Content("")
    return next((one.content for one in place.found if one.version == slot.version), Content(""))


def _given(value: float | int | None) -> str:
    return "" if value is None else str(value)


def _undo(workspace: Workspace, prompt: str, id: str) -> None:
    def undone(found: Desk) -> Desk:
        return replace(found, slots=tuple(desk.unset(slot) if slot.id == id else slot for slot in found.slots))

    desk.change(workspace, prompt, undone)
