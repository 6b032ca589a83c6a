"""The variants side by side: which version, which text, which model and settings, and how to keep one."""

from dataclasses import replace

import streamlit as st

from pages.components import choices, session
from pages.components.playground import desk, fields, numbers, saving
from pages.components.playground.desk import DRAFT, Place
from services import playground
from services.playground import Desk, Slot, Variant
from services.workspace import Workspace

NARROWEST = 235
LONGEST_NOTE = 90
_ = session.text


def show(place: Place) -> None:
    """One card for each variant, and a way to add another."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(_("What is compared"), anchor=False, width="content")
        st.button(
            _("Add a version"),
            icon=":material/add:",
            key="add-variant",
            on_click=_add,
            args=(place.workspace, place.prompt, [one.version for one in place.found]),
            disabled=len(place.desk.slots) >= playground.MOST_VARIANTS,
            help=_("Up to {n} side by side.", n=playground.MOST_VARIANTS),
        )
    variants = {variant.slot.id: variant for variant in place.variants}
    with st.grid(max(1, len(place.desk.slots)), min_column_width=NARROWEST, border=True, gap="xsmall") as cards:
        for position, slot in enumerate(place.desk.slots):
            with cards.cell(), st.container(gap="xsmall"):
                _show_card(place, slot, "ABCD"[position], variants.get(slot.id))


def _show_card(place: Place, slot: Slot, letter: str, variant: Variant | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f"**{letter}**", width="content")
        if slot.touched:
            st.badge(_("changed here"), color="orange")
        st.space("stretch")
        _show_icons(place, slot)
    _choose_source(place, slot, letter)
    if variant is None:
        return
    # In a box of their own: a fact more would move what follows, and the browser would fold the text being written.
    with st.container(gap="xsmall"):
        _show_facts(place, variant)
    fields.show_text(place, variant)
    fields.show_settings(place, variant)
    fields.show_undo(place, slot)
    saving.show(place, variant)
    numbers.show_sum(place, variant)


def _show_icons(place: Place, slot: Slot) -> None:
    full = len(place.desk.slots) >= playground.MOST_VARIANTS
    st.button(
        _("Copy"),
        icon=":material/content_copy:",
        key=f"copy-{slot.id}",
        type="tertiary",
        help=_("Add the same once more, to change its text, model or settings."),
        on_click=_copy,
        args=(place.workspace, place.prompt, slot.id),
        disabled=full,
    )
    st.button(
        _("Take out"),
        icon=":material/close:",
        key=f"out-{slot.id}",
        type="tertiary",
        on_click=_take_out,
        args=(place.workspace, place.prompt, slot.id),
        disabled=len(place.desk.slots) < 2,
    )


def _choose_source(place: Place, slot: Slot, letter: str) -> None:
    chosen = slot.version or DRAFT
    options = {
        one.version: _("version {n} (live)", n=one.version) if one.live else _("version {n}", n=one.version)
        for one in place.found
    }
    if place.draft is not None or chosen == DRAFT:
        options = {DRAFT: _("my draft")} | options
    if chosen not in options:
        options[chosen] = _("version {n}", n=chosen)
    st.selectbox(
        _("{letter} is", letter=letter),
        list(options),
        format_func=options.__getitem__,
        **choices.seed(desk.key(place, slot.id, "source"), chosen, index=list(options).index(chosen)),
        label_visibility="collapsed",
        on_change=desk.take_in,
        args=(place.workspace, place.prompt),
        disabled=slot.edited is not None,
        help=_("Take the changes back first.") if slot.edited is not None else None,
    )


def _show_facts(place: Place, variant: Variant) -> None:
    """The version's note, and what reaches the model besides the text."""
    own = place.draft.note if place.draft and variant.slot.version is None else ""
    note = next((one.title or one.note for one in place.found if one.version == variant.slot.version), own)
    if note:
        st.caption(session.escape(note[:LONGEST_NOTE].replace("\n", " ")) + ("…" if len(note) > LONGEST_NOTE else ""))
    st.caption(summary(variant))
    if (
        place.run is not None
        and variant.slot.id in place.run.variants
        and not playground.asked_with(place.run, variant)
    ):
        st.caption(f":orange[{_('Changed since its answers below.')}]")


def summary(variant: Variant) -> str:
    """The model and the settings that reach it, in one line."""
    call = variant.call
    said = [
        session.escape(variant.model),
        *([_("temperature {n}", n=call["temperature"])] if "temperature" in call else []),
        *([f"top\\_p {call['top_p']}"] if "top_p" in call else []),
        *([_("at most {n} tokens", n=call["max_tokens"])] if "max_tokens" in call else []),
        *([_("stops at {texts}", texts=session.escape(_plain(call["stop"])))] if "stop" in call else []),
        *([_("response format")] if "response_format" in call else []),
    ]
    return " · ".join(said)


def _plain(value: object) -> str:
    return (", ".join(value) if isinstance(value, list) else str(value)).replace("\n", "↵")


def _add(workspace: Workspace, prompt: str, versions: list[int]) -> None:
    def added(found: Desk) -> Desk:
        new = next((one for one in versions if one not in found.versions), versions[0] if versions else None)
        return replace(found, slots=(*found.slots, playground.slot(new))[: playground.MOST_VARIANTS])

    desk.change(workspace, prompt, added)


def _copy(workspace: Workspace, prompt: str, id: str) -> None:
    def copied(found: Desk) -> Desk:
        slots = [one for slot in found.slots for one in ((slot, playground.copy(slot)) if slot.id == id else (slot,))]
        return replace(found, slots=tuple(slots[: playground.MOST_VARIANTS]))

    desk.change(workspace, prompt, copied)


def _take_out(workspace: Workspace, prompt: str, id: str) -> None:
    desk.change(workspace, prompt, lambda found: found.without(id))
