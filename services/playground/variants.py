"""What stands in each place of the desk: the content that is tried, how the model is called, what holds it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services import prompts
from services.apps import RUNTIME_VARIABLES
from services.errors import InvalidInputError
from services.messages import Message
from services.playground import calls
from services.playground.desk import Desk, Slot
from services.prompts import Content, ModelSettings, PromptVersion
from services.prompts.drafts import Draft

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_CELLS = 40
LONGEST_QUESTION = 200_000
LETTERS = "ABCD"


@dataclass(frozen=True)
class Variant:
    """One column: `content` is what would be saved, `number` the saved version that it equals.

    `unread_format` is a response format typed in my draft that is no JSON yet, so that the model is asked without it.
    """

    slot: Slot
    letter: str
    content: Content
    call: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None
    base: int | None = None
    unread_format: str = ""

    @property
    def model(self) -> str:
        return str(self.call.get("model", ""))

    @property
    def name(self) -> Message:
        if self.slot.version is None:
            return Message("my draft") if self.slot.edited is None else Message("my draft, edited here")
        if self.slot.edited is None:
            return Message("version {n}", n=self.slot.version)
        return Message("version {n}, edited here", n=self.slot.version)


@dataclass(frozen=True)
class Blocker:
    """What must be mended before anything is asked; one that is not `blocking` is only said."""

    message: Message
    remedy: Message
    blocking: bool = True


def resolve(workspace: "Workspace", desk: Desk, found: Sequence[PromptVersion], draft: Draft | None) -> list[Variant]:
    """The variants that still exist, in their places; `found` are the prompt's versions, `draft` is mine."""
    saved = {one.version: one.content for one in found}
    made = []
    for letter, slot in zip(LETTERS, desk.slots, strict=False):
        content = saved.get(slot.version) if slot.version is not None else draft.content if draft else None
        if content is None and slot.edited is None:
            continue
        content = content or Content("")  # what was edited here outlasts what it was copied from
        base = slot.version if slot.version is not None else draft.base if draft else None
        edited = _with_fields(content if slot.edited is None else replace(content, template=slot.edited), slot.fields)
        number = next((version for version, one in saved.items() if same(one, edited)), None)
        unread = draft.typed_format if draft and slot.version is None else ""
        made.append(Variant(slot, letter, edited, calls.arguments(workspace, edited), number, base, unread))
    return made


def same(one: Content, other: Content) -> bool:
    """Whether both ask the model in the same way; labels do not reach it."""
    return (one.template, one.settings, one.response_format or None) == (
        other.template,
        other.settings,
        other.response_format or None,
    )


def unfilled(workspace: "Workspace", variants: Sequence[Variant]) -> list[str]:
    """The variables that neither the app nor the question fills."""
    filled = set(workspace.app.variables) | RUNTIME_VARIABLES
    return sorted({name for one in variants for name in one.content.variables} - filled)


def blockers(workspace: "Workspace", desk: Desk, variants: Sequence[Variant]) -> list[Blocker]:
    """Everything that can be known before the model is asked."""
    return [
        *_missing(desk, variants),
        *_too_much(desk, variants),
        *_nothing_fills(workspace, desk, variants),
        *(blocker for variant in variants for blocker in _of(workspace, variant)),
    ]


def _missing(desk: Desk, variants: Sequence[Variant]) -> list[Blocker]:
    there = {variant.slot.id for variant in variants}
    gone = [
        Blocker(
            Message("Version {n} is not there, or it is in the trash.", n=slot.version)
            if slot.version is not None
            else Message("You have no draft of this prompt."),
            Message("Choose another version, or take it out."),
        )
        for slot in desk.slots
        if slot.id not in there
    ]
    if not desk.slots:
        gone.append(Blocker(Message("No version is chosen."), Message("Add a version to compare.")))
    if not desk.questions:
        gone.append(Blocker(Message("There is no question."), Message("Type one, or pick some from a dataset.")))
    return gone


def _too_much(desk: Desk, variants: Sequence[Variant]) -> list[Blocker]:
    cells, found = len(desk.questions) * len(variants), []
    if cells > MOST_CELLS:
        found.append(
            Blocker(
                Message("{n} answers at once are too many; {limit} are allowed.", n=cells, limit=MOST_CELLS),
                Message("Take out questions or versions. To ask many questions, start an evaluation."),
            )
        )
    found += [
        Blocker(
            Message("The question “{start}…” is longer than {limit} kB.", start=one.text[:40], limit=LONGEST_QUESTION // 1000),
            Message("Shorten it, or take it out."),
        )
        for one in desk.questions
        if len(one.text.encode()) > LONGEST_QUESTION
    ]  # fmt: skip
    return found


def _nothing_fills(workspace: "Workspace", desk: Desk, variants: Sequence[Variant]) -> list[Blocker]:
    return [
        Blocker(
            Message("Nothing fills the variable {name}.", name="{{" + name[:40] + "}}"),
            Message("Type a value for it below. For live answers it needs a value under Apps and a new agent version."),
        )
        for name in unfilled(workspace, variants)
        if not desk.values.get(name, "").strip()
    ]


def _of(workspace: "Workspace", variant: Variant) -> list[Blocker]:
    if variant.content.response_format and workspace.settings.practice:
        return [
            Blocker(
                Message("{letter} asks for answers in a response format, which the practice model cannot give.", letter=variant.letter),
                Message("Connect a model, or compare a version without a response format."),
            )
        ]  # fmt: skip
    if variant.unread_format:
        return [
            Blocker(
                Message("The response format of {letter} is not JSON yet: it is tried without one.", letter=variant.letter),
                Message("Correct it on the Prompts screen, under Model settings."),
                blocking=False,
            )
        ]  # fmt: skip
    try:
        prompts.check(variant.content)
    except InvalidInputError as error:
        return [
            Blocker(
                Message("{letter}: {reason}", letter=variant.letter, reason=error.message),
                error.remedy or Message("Correct it."),
            )
        ]
    return []


def _with_fields(content: Content, fields: ModelSettings) -> Content:
    """The content with what was set here in place of its own settings."""
    named = content.settings.to_json() | fields.to_json()
    return replace(content, settings=ModelSettings.from_json(named))
