"""What a person compares: up to four variants of a prompt, the questions, values for variables; kept between visits."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services import audit, people
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message
from services.prompts import Content, ModelSettings, PromptVersion
from services.prompts.content import Template, as_template

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_VARIANTS = 4
MOST_QUESTIONS = 100
MOST_CHARACTERS = 2_000_000
FIRST_QUESTIONS = 2


@dataclass(frozen=True)
class Slot:
    """One variant as it was chosen: `version` None is my draft, `edited` a copy changed here, `fields` settings set here."""

    id: str
    version: int | None
    edited: Template | None = None
    fields: ModelSettings = field(default_factory=ModelSettings)

    @property
    def touched(self) -> bool:
        return self.edited is not None or self.fields != ModelSettings()


@dataclass(frozen=True)
class Question:
    """One input; `kind` is typed, dataset or trace, `source` the dataset's name or the trace's id."""

    id: str
    text: str
    kind: str = "typed"
    source: str = ""


@dataclass(frozen=True)
class Desk:
    """Everything that was set up for one prompt."""

    prompt: str
    slots: tuple[Slot, ...] = ()
    questions: tuple[Question, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(slot.version for slot in self.slots if slot.version is not None))

    @property
    def has_draft(self) -> bool:
        return any(slot.version is None for slot in self.slots)

    def with_slot(self, slot: Slot) -> "Desk":
        return replace(self, slots=tuple(slot if one.id == slot.id else one for one in self.slots))

    def with_questions(self, added: Sequence[Question]) -> "Desk":
        """With those that are not asked yet."""
        asked = {one.text for one in self.questions}
        new = {one.text: one for one in added if one.text.strip() and one.text not in asked}
        return replace(self, questions=(*self.questions, *new.values()))

    def without(self, id: str) -> "Desk":
        """Without that variant or that question."""
        return replace(
            self,
            slots=tuple(slot for slot in self.slots if slot.id != id),
            questions=tuple(one for one in self.questions if one.id != id),
        )


def new_id() -> str:
    return uuid.uuid4().hex[:8]


def slot(version: int | None) -> Slot:
    return Slot(new_id(), version)


def copy(slot: Slot) -> Slot:
    """The same once more, to be changed."""
    return replace(slot, id=new_id())


def typed(text: str) -> Question:
    return Question(new_id(), text.strip())


def kept(workspace: "Workspace", prompt: str) -> Desk | None:
    """How this person left the desk of `prompt`; None at the first visit."""
    stored: Any = people.remembered(workspace, _subject(workspace, prompt))
    return _from_json(stored) if stored else None


def keep(workspace: "Workspace", desk: Desk) -> None:
    """Remember the desk for this person's next visit; it changes nothing for others, so it is no line of the audit log.

    Raises ForbiddenError for who may not try, InvalidInputError for more than a desk holds.
    """
    audit.require(workspace, Verb.TRY_AGENT)
    stored = _to_json(desk)
    if len(desk.questions) > MOST_QUESTIONS or len(json.dumps(stored, ensure_ascii=False)) > MOST_CHARACTERS:
        raise InvalidInputError(
            Message("This is more than the playground can hold: {n} questions.", n=len(desk.questions)),
            Message("Take out questions or edited texts. To ask many questions, start an evaluation."),
        )
    people.remember(workspace, _subject(workspace, desk.prompt), stored)


def first(workspace: "Workspace", prompt: str, found: Sequence[PromptVersion], draft: Content | None) -> Desk:
    """The desk of a first visit: my draft or the newest version beside what is live, and the app's own questions."""
    newest = [None] if draft else [found[0].version] if found else []
    live = [one.version for one in found if one.live]
    chosen: list[int | None] = list(dict.fromkeys([*newest, *live]))
    if len(chosen) < 2:
        chosen = list(dict.fromkeys([*chosen, *(one.version for one in found)]))[:2]
    questions = [typed(text) for text in workspace.app.smoke_questions[:FIRST_QUESTIONS]]
    return Desk(prompt, tuple(slot(version) for version in chosen)).with_questions(questions)


def opened(desk: Desk, versions: Sequence[int], draft: bool) -> Desk:
    """The desk with what an address names; what was edited here stays beside it as far as there is room."""
    named: list[int | None] = [*([None] if draft else []), *dict.fromkeys(versions)]
    same = {one.version: one for one in reversed(desk.slots) if not one.touched}
    chosen = [same.get(version) or slot(version) for version in named[:MOST_VARIANTS]]
    edited = [one for one in desk.slots if one.touched]
    return replace(desk, slots=tuple([*chosen, *edited][:MOST_VARIANTS])) if chosen else desk


def _subject(workspace: "Workspace", prompt: str) -> str:
    return f"playground/{workspace.app.id}/{prompt}"


def _to_json(desk: Desk) -> Any:
    return {
        "prompt": desk.prompt,
        "slots": [
            {
                "id": one.id,
                "version": one.version,
                "edited": None if one.edited is None else Content(one.edited).registered,
                "fields": one.fields.to_json(),
            }
            for one in desk.slots
        ],
        "questions": [asdict(one) for one in desk.questions],
        "values": dict(desk.values),
    }


def _from_json(stored: Mapping[str, Any]) -> Desk:
    slots = (
        Slot(
            one["id"],
            one["version"],
            None if one["edited"] is None else as_template(one["edited"]),
            ModelSettings.from_json(one["fields"]),
        )
        for one in stored["slots"]
    )
    questions = tuple(Question(**one) for one in stored["questions"])
    return Desk(stored["prompt"], tuple(slots), questions, stored["values"])
