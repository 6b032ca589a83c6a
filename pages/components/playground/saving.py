"""Keep a variant as a new version of its prompt."""

import streamlit as st

from pages.components import feedback, session
from pages.components.playground import desk
from pages.components.playground.desk import Place
from services import audit, playground
from services.audit import Verb
from services.messages import Message
from services.playground import Slot, Variant

_ = session.text


def show(place: Place, variant: Variant) -> None:
    """A note and a button, for a variant that no version holds yet."""
    same = variant.number is not None
    with st.popover(
        _("Save as a version"),
        icon=":material/save:",
        disabled=same or not audit.allowed(place.workspace, Verb.SAVE_PROMPT),
        help=_("This is version {n} already.", n=variant.number) if same else None,
        width="stretch",
    ):
        st.caption(
            _(
                "Saved as a new version of {name} with these settings. Nothing goes live.",
                name=session.escape(place.prompt),
            )
        )
        st.text_input(
            _("Note"),
            place.draft.note if place.draft and variant.slot.version is None else "",
            key=desk.key(place, variant.slot.id, "note"),
            placeholder=_("What is different, and why?"),
        )
        st.button(
            _("Save"),
            type="primary",
            key=f"save-{variant.slot.id}",
            on_click=_save,
            args=(place, variant.slot.id),
        )


def _save(place: Place, id: str) -> None:
    workspace, prompt = place.workspace, place.prompt
    with feedback.action(Message("Saved a new version of {name}. Evaluate it, then release it.", name=prompt)):
        now = desk.change(workspace, prompt)
        saved = playground.save(workspace, now, id, st.session_state[desk.key(place, id, "note")])
        desk.change(workspace, prompt, lambda found: found.with_slot(Slot(id, saved.version)))
