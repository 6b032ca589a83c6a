"""The desk of this session: opened from the address or the last visit, changed by clicks, kept for the next visit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from services import audit, playground, prompts
from services.audit import Verb
from services.playground import Desk, Run, Slot, Variant
from services.prompts import ChatMessage, Content, ModelSettings, PromptVersion, drafts
from services.prompts.drafts import Draft
from services.workspace import Workspace

DRAFT = 0
Change = Callable[[Desk], Desk]


@dataclass(frozen=True)
class Place:
    """Everything the parts of the screen draw from."""

    workspace: Workspace
    desk: Desk
    found: list[PromptVersion]
    draft: Draft | None
    variants: list[Variant]
    run: Run | None

    @property
    def prompt(self) -> str:
        return self.desk.prompt


def enter(workspace: Workspace, prompt: str) -> Place:
    """The desk of `prompt` as the address, this session or the last visit has it."""
    found, draft = prompts.history(workspace, prompt), drafts.mine(workspace, prompt)
    content = draft.content if draft else None
    desk = st.session_state.get(_key(workspace, prompt)) or playground.kept(workspace, prompt)
    desk = desk or playground.first(workspace, prompt, found, content)
    versions, with_draft = _named()
    if (versions or with_draft) and (versions, with_draft) != (desk.versions, desk.has_draft):
        desk = playground.opened(desk, versions, with_draft)
    _hold(workspace, desk)
    contents = {one.version: one.content for one in found} | ({DRAFT: content} if content else {})
    st.session_state[f"{_key(workspace, prompt)}-contents"] = contents
    variants = playground.resolve(workspace, desk, found, draft)
    return Place(workspace, desk, found, draft, variants, _run(workspace, prompt))


def change(workspace: Workspace, prompt: str, how: Change = lambda desk: desk) -> Desk:
    """A click's change of the desk, after everything that stands in the fields; kept for the next visit."""
    desk = how(_with_fields(workspace, st.session_state[_key(workspace, prompt)]))
    if audit.allowed(workspace, Verb.TRY_AGENT):
        playground.keep(workspace, desk)
    _hold(workspace, desk)
    return desk


def take_in(workspace: Workspace, prompt: str) -> None:
    """What was typed into a field becomes part of the desk."""
    change(workspace, prompt)


def key(place: Place, slot: str, what: str) -> str:
    """The key of a field of one variant."""
    return _field(place.workspace, place.prompt, slot, what)


def hold_run(workspace: Workspace, run: Run) -> None:
    st.session_state[f"{_key(workspace, run.prompt)}-run"] = run.id


def texts(content: Content) -> tuple[str, ...]:
    return tuple(message.content for message in content.messages)


def _run(workspace: Workspace, prompt: str) -> Run | None:
    """This session's run, else the person's newest: a reload of the page finds it again."""
    held = st.session_state.get(f"{_key(workspace, prompt)}-run")
    return (playground.find(workspace, held) if held else None) or playground.latest(workspace, prompt)


def _hold(workspace: Workspace, desk: Desk) -> None:
    st.session_state[_key(workspace, desk.prompt)] = desk
    st.query_params.update({"prompt": desk.prompt, "versions": ",".join(map(str, desk.versions))})
    if desk.has_draft:
        st.query_params["draft"] = "1"
    else:
        st.query_params.pop("draft", None)


def _named() -> tuple[tuple[int, ...], bool]:
    parts = st.query_params.get("versions", "").split(",")
    versions = tuple(int(part) for part in parts if part.isdecimal() and len(part) < 10)
    return tuple(dict.fromkeys(versions)), st.query_params.get("draft") == "1"


def _with_fields(workspace: Workspace, desk: Desk) -> Desk:
    """The desk with what the fields hold now; a field that is not drawn changes nothing."""
    contents = st.session_state.get(f"{_key(workspace, desk.prompt)}-contents", {})
    slots = tuple(_read_slot(workspace, desk.prompt, slot, contents) for slot in desk.slots)
    prefix = _field(workspace, desk.prompt, "value", "")
    typed = {
        str(name).removeprefix(prefix): str(value)
        for name, value in st.session_state.items()
        if str(name).startswith(prefix)
    }
    return replace(desk, slots=slots, values={**desk.values, **typed})


def _read_slot(workspace: Workspace, prompt: str, slot: Slot, contents: dict[int, Content]) -> Slot:
    def read(what: str, current: Any) -> Any:
        return st.session_state.get(_field(workspace, prompt, slot.id, what), current)

    source = read("source", slot.version or DRAFT)
    base = contents.get(source)
    if source != (slot.version or DRAFT) or (base is None and slot.edited is None):
        return replace(slot, version=source or None)
    shown = base or Content("")
    shown = shown if slot.edited is None else replace(shown, template=slot.edited)
    written = [read(f"text-{position}", text) for position, text in enumerate(texts(shown))]
    stop = read("stop", "\n".join(slot.fields.stop_sequences))
    fields = replace(
        slot.fields,
        model_name=read("model", slot.fields.model_name) or None,
        temperature=read("temperature", slot.fields.temperature),
        max_tokens=read("max_tokens", slot.fields.max_tokens),
        top_p=read("top_p", slot.fields.top_p),
        stop_sequences=tuple(line for line in stop.split("\n") if line),
    )
    template = _template(shown, written)
    unchanged = base is not None and template == base.template
    return replace(slot, edited=None if unchanged else template, fields=fields)


def _template(shown: Content, written: list[str]) -> str | tuple[ChatMessage, ...]:
    if not shown.is_chat:
        return written[0]
    return tuple(ChatMessage(one.role, text) for one, text in zip(shown.messages, written, strict=True))


def _key(workspace: Workspace, prompt: str) -> str:
    return f"playground/{workspace.app.id}/{prompt}"


def _field(workspace: Workspace, prompt: str, slot: str, what: str) -> str:
    return f"field/{_key(workspace, prompt)}/{slot}/{what}"


def unset(slot: Slot) -> Slot:
    """The slot without what was changed here."""
    return replace(slot, edited=None, fields=ModelSettings())
