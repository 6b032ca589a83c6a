"""What this browser tab has of a draft, and how it meets the same draft in another tab."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from pages.components import editor
from pages.components.prompts import fields
from services.errors import ConflictError, ConsoleError, InvalidInputError
from services.messages import Message
from services.prompts import Content, PromptVersion, drafts
from services.prompts.content import as_template
from services.prompts.drafts import Aside, Draft
from services.workspace import Workspace


@dataclass
class Sheet:
    """The draft as this tab shows it; the editor takes over Python's text when `epoch` changes.

    `start` is what stood here before anything was typed, `seen` the last message of the editor, `rival` the draft that
    another tab kept first, `aside` what this tab set aside because of it, `refusal` why the draft is not kept, `unsaved` why it was not saved as a version.
    """

    key: str
    start: Draft
    draft: Draft
    session: str = field(default_factory=lambda: secrets.token_hex(4))
    turn: int = 0
    epoch: str = ""
    seen: str = ""
    rival: Draft | None = None
    refusal: ConsoleError | None = None
    unsaved: ConsoleError | None = None
    aside: Content | None = None
    taken: bool = False

    def __post_init__(self) -> None:
        self.epoch = f"{self.session}.{self.turn}"

    def put(self, draft: Draft) -> None:
        """Show another text: the editor and the fields follow."""
        self.draft, self.turn, self.rival, self.refusal = draft, self.turn + 1, None, None
        self.unsaved = self.aside = None
        self.epoch = f"{self.session}.{self.turn}"
        fields.fill(self.fields, draft)

    @property
    def fields(self) -> str:
        """Under what the fields stand: others for every text, so that what a browser repeats of the last one is not taken in."""
        return f"{self.key}/{self.turn}" if self.turn else self.key

    @property
    def written(self) -> bool:
        """Whether there is something that a save would change."""
        return self.draft.kept or not self.draft.says_the_same(self.start)


def key(workspace: Workspace, name: str | None) -> str:
    """Where the draft of a prompt lives in the session; without a name, that of a new prompt.

    No name holds a slash, so that no field of one prompt is the sheet of another.
    """
    return f"draft/{workspace.app.id}/{name or ''}"


def opened(workspace: Workspace, name: str | None, found: list[PromptVersion], new_name: str = "") -> Sheet:
    """The sheet of this tab, brought up to date with what other tabs kept, saved or discarded meanwhile."""
    where, start = key(workspace, name), _start(name, found, new_name)
    sheet: Sheet | None = st.session_state.get(where)
    if sheet is not None:
        _take_fields(workspace, sheet)
    mine = drafts.mine(workspace, name or "")
    if sheet is None:
        sheet = st.session_state[where] = Sheet(where, start, mine or start)
    untouched, sheet.start = not sheet.written, start
    if sheet.rival is None and sheet.refusal is None:
        _follow_others(sheet, mine, untouched)
    fields.fill(sheet.fields, sheet.draft, missing=True)
    return sheet


def caught_up(workspace: Workspace, name: str | None) -> Sheet:
    """The sheet at a click, which may have overtaken what was just typed."""
    sheet: Sheet = st.session_state[key(workspace, name)]
    update(workspace, sheet)
    return sheet


def update(workspace: Workspace, sheet: Sheet) -> None:
    """Take in and keep what stands in the editor and in the fields now."""
    absorb(workspace, sheet, editor.sent(f"{sheet.key}/text"))
    _take_fields(workspace, sheet)


def _take_fields(workspace: Workspace, sheet: Sheet) -> None:
    draft = fields.gathered(sheet.fields, sheet.draft)
    if not draft.says_the_same(sheet.draft):
        keep(workspace, sheet, draft)


def absorb(workspace: Workspace, sheet: Sheet, sent: Mapping[str, Any] | None) -> None:
    """Take in what the editor sent, once. Words typed on another epoch are kept at the revision they were typed on."""
    if not sent or sent.get("id") == sheet.seen:
        return
    sheet.seen = str(sent.get("id"))
    template = as_template(sent["template"])
    revision = sheet.draft.revision
    if sent.get("epoch", sheet.epoch) != sheet.epoch:
        sheet.epoch, revision = sent["epoch"], int(sent["revision"])
    if template != sheet.draft.content.template:
        content = replace(sheet.draft.content, template=template)
        keep(workspace, sheet, replace(sheet.draft, content=content, revision=revision))


def keep(workspace: Workspace, sheet: Sheet, draft: Draft) -> None:
    """Store what was written; another tab's newer draft stays, and this one is set aside until the person decides."""
    sheet.draft, sheet.refusal, sheet.unsaved = draft, None, None
    try:
        if sheet.rival is not None:
            sheet.rival = drafts.mine(workspace, draft.name)
        if sheet.rival is not None:
            _set_aside(workspace, sheet, draft)
        elif draft.kept and not draft.set_aside and draft.says_the_same(sheet.start):
            drafts.discard(workspace, draft.name, draft.revision)
            sheet.draft = sheet.start
        else:
            sheet.draft = drafts.keep(workspace, draft)
    except ConflictError:
        other = drafts.mine(workspace, draft.name)
        if other is not None and other.says_the_same(draft):
            sheet.draft = other
        else:
            sheet.rival = other
            _set_aside(workspace, sheet, draft)
    except InvalidInputError as error:
        sheet.refusal = error


def _set_aside(workspace: Workspace, sheet: Sheet, draft: Draft) -> None:
    drafts.set_aside(workspace, draft, sheet.aside)
    sheet.aside = draft.content


def keep_own(workspace: Workspace, sheet: Sheet) -> None:
    """This tab's text is the draft; the other one is set aside."""
    rival = drafts.mine(workspace, sheet.draft.name) or sheet.start
    sheet.draft = drafts.keep(
        workspace, replace(sheet.draft, revision=rival.revision, set_aside=(Aside.now(rival.content),))
    )
    sheet.rival = sheet.aside = sheet.unsaved = None
    sheet.taken = False


def take(workspace: Workspace, sheet: Sheet, content: Content | None = None) -> None:
    """The other tab's text, or `content`, is the draft; what stood here is set aside."""
    other = drafts.mine(workspace, sheet.draft.name) or sheet.start
    taken = replace(other, content=content or other.content, set_aside=(Aside.now(sheet.draft.content),))
    sheet.put(drafts.keep(workspace, taken))


def drop_aside(workspace: Workspace, sheet: Sheet, aside: Content) -> None:
    """Forget one of the earlier texts."""
    drafts.drop_aside(workspace, sheet.draft.name, aside)
    sheet.draft = replace(sheet.draft, set_aside=tuple(one for one in sheet.draft.set_aside if one.content != aside))


def discard(workspace: Workspace, sheet: Sheet) -> None:
    """Forget the draft: the newest version stands here again. Raises ConflictError for words this tab never showed."""
    drafts.discard(workspace, sheet.draft.name, sheet.draft.revision)
    sheet.put(sheet.start)


def begin(workspace: Workspace, name: str | None, content: Content, base: int | None, note: str = "") -> None:
    """Make `content` the draft; unsaved words that stood here are set aside, not lost."""
    sheet: Sheet | None = st.session_state.get(key(workspace, name))
    if sheet is not None and editor.sent(f"{sheet.key}/text"):
        update(workspace, sheet)
    before = drafts.mine(workspace, name or "")
    new_name = sheet.draft.new_name if sheet else before.new_name if before else ""
    aside = (Aside.now(before.content),) if before and before.content.template != content.template else ()
    made = Draft(name or "", content, note, base, before.revision if before else 0, new_name=new_name, set_aside=aside)
    kept = drafts.keep(workspace, made)
    if sheet is not None:
        sheet.put(kept)


def save(workspace: Workspace, name: str | None) -> PromptVersion:
    """Save what stands here as a version; raises what is to be mended first, and then keeps everything."""
    sheet = caught_up(workspace, name)
    try:
        if sheet.rival is not None:
            raise ConflictError(
                Message("Another tab has other words in this draft."), Message("Choose first which of the two goes on.")
            )
        made = drafts.save(workspace, sheet.draft)
    except ConsoleError as error:
        sheet.unsaved = error
        raise
    if name is not None:
        sheet.start = Draft(name, made.content, base=made.version)
        sheet.put(sheet.start)
    return made


def _follow_others(sheet: Sheet, mine: Draft | None, untouched: bool) -> None:
    if mine is not None and mine.revision != sheet.draft.revision:
        sheet.taken = not mine.says_the_same(sheet.draft)
        _follow(sheet, mine)
    elif mine is None and (sheet.draft.kept or untouched) and sheet.draft != sheet.start:
        _follow(sheet, sheet.start)


def _follow(sheet: Sheet, draft: Draft) -> None:
    """Another text; the editor is left alone when it says the same already."""
    if draft.says_the_same(sheet.draft):
        sheet.draft = draft
    else:
        sheet.put(draft)


def _start(name: str | None, found: list[PromptVersion], new_name: str) -> Draft:
    if name is None or not found:
        return Draft(name or "", Content(""), new_name=new_name)
    return Draft(name, found[0].content, base=found[0].version)
