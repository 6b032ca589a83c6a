"""What an import would write, shown before it is written; a second run skips what the first one wrote."""

import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services import prompts
from services.errors import ConflictError, ConsoleError, InvalidInputError
from services.messages import Message
from services.prompts import Content, Origin, PromptVersion
from services.prompts.content import ModelSettings
from services.prompts.transfer.parcel import Incoming, IncomingPrompt, Parcel
from services.secrets import KEY_TEXT

if TYPE_CHECKING:
    from services.workspace import Workspace

KEY_NAME = re.compile(r"api[_-]?key|secret|password|authorization|(access|auth)[_-]?token", re.IGNORECASE)


class Fate(StrEnum):
    """New versions are written, those that are there already are skipped, those that cannot be saved are left out."""

    NEW = "new"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True)
class PlannedVersion:
    """One version of the file; `version` is the number of the one that is there already, `refusal` why it is left out."""

    incoming: Incoming
    content: Content
    fate: Fate
    version: int | None = None
    refusal: ConsoleError | None = None
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True)
class PlannedPrompt:
    """One prompt of the file under the name it would get; `problem` says why nothing of it can be written.

    `newest` is the last version of the prompt that has this name already, 0 where none has.
    """

    source: IncomingPrompt
    name: str
    versions: tuple[PlannedVersion, ...]
    problem: ConsoleError | None = None
    newest: int = 0


@dataclass(frozen=True)
class Plan:
    """Everything an import would do."""

    format: str
    prompts: tuple[PlannedPrompt, ...]
    refused: tuple[Message, ...]

    @property
    def new(self) -> int:
        """The versions that would be written."""
        return sum(one.fate is Fate.NEW for prompt in self.prompts if not prompt.problem for one in prompt.versions)


def plan(workspace: "Workspace", parcel: Parcel, names: Mapping[int, str] | None = None) -> Plan:
    """What `write` would do; `names` gives prompts of the parcel, by position, another name."""
    chosen, there = names or {}, prompts.every_name(workspace)
    found = tuple(_prompt(workspace, one, chosen.get(n, one.name), there) for n, one in enumerate(parcel.prompts))
    return Plan(parcel.format, _without_doubles(found), parcel.refused)


def write(workspace: "Workspace", plan: Plan) -> int:
    """Save the new versions in the file's order; returns how many. Moves nothing live.

    Every prompt is compared anew right before it is written: another tab may have imported the same file meanwhile.
    Raises ConflictError that tells how far it came; writing the same file again continues there.
    """
    written = 0
    for shown in plan.prompts:
        prompt = shown if shown.problem else _prompt(workspace, shown.source, shown.name, prompts.every_name(workspace))
        numbers: dict[int, int] = {}
        for one in prompt.versions if not prompt.problem else ():
            number = one.version
            if one.fate is Fate.NEW:
                number = _save(workspace, prompt.name, one, numbers, written)
                written += 1
            if number and one.incoming.number:
                numbers[one.incoming.number] = number
    return written


def _save(workspace: "Workspace", name: str, one: PlannedVersion, numbers: Mapping[int, int], written: int) -> int:
    """Register one version with its first author and time."""
    origin = Origin(one.incoming.author, one.incoming.written_at)
    base = numbers.get(one.incoming.base or 0)
    try:
        return prompts.save(workspace, name, one.content, one.incoming.note, base, origin).version
    except ConsoleError as error:
        raise ConflictError(
            Message("Imported versions: {n}. Then {name} could not be saved: {reason}", n=written, name=name, reason=error.message),
            Message("Import the same file again: what is there already is skipped."),
        ) from error  # fmt: skip


def _prompt(workspace: "Workspace", source: IncomingPrompt, name: str, known: Container[str]) -> PlannedPrompt:
    try:
        prompts.check_name(workspace, name)
        there = prompts.history(workspace, name) if name in known else []
        problem = None
    except ConsoleError as error:
        there, problem = [], error
    newest = max((one.version for one in there), default=0)
    return PlannedPrompt(source, name, tuple(_versions(source, there)), problem, newest)


def _versions(source: IncomingPrompt, there: list[PromptVersion]) -> Iterator[PlannedVersion]:
    """Each version of the file is matched with the first equal one after the last match, so that order counts."""
    left = sorted(there, key=lambda one: one.version)
    for incoming in source.versions:
        content, warnings = _content(incoming)
        if refusal := _refusal(content):
            yield PlannedVersion(incoming, content, Fate.REFUSED, refusal=refusal, warnings=warnings)
            continue
        same = next((one for one in left if _equal(one, content, incoming.note)), None)
        if same is None:
            yield PlannedVersion(incoming, content, Fate.NEW, warnings=warnings)
            continue
        left = [one for one in left if one.version > same.version]
        yield PlannedVersion(incoming, content, Fate.SAME, same.version, warnings=warnings)


def _content(incoming: Incoming) -> tuple[Content, tuple[Message, ...]]:
    """What would be saved, without anything that is named like a secret."""
    dropped: list[str] = []
    others = _without_secrets(dict(incoming.settings.others), dropped)
    settings: ModelSettings = replace(incoming.settings, others=others)
    content = Content(incoming.template, settings, incoming.response_format, dict(incoming.labels))
    warnings = [Message("The setting {name} looks like a secret and is left out.", name=name) for name in dropped]
    if KEY_TEXT.search(json.dumps([content.to_json(), incoming.note], ensure_ascii=False)):
        warnings.append(Message("The text seems to hold an access key. Everyone who may read prompts would see it."))
    return content, (*incoming.left_out, *warnings)


def _without_secrets(stored: Any, dropped: list[str]) -> Any:
    """The setting at every depth, without what is named or looks like a secret; its names go to `dropped`."""
    if isinstance(stored, list):
        return [_without_secrets(one, dropped) for one in stored]
    if not isinstance(stored, dict):
        return stored
    secret = [key for key, value in stored.items() if KEY_NAME.search(str(key)) or KEY_TEXT.search(str(value))]
    nested = [key for key in secret if isinstance(stored[key], dict | list) and not KEY_NAME.search(str(key))]
    dropped += [str(key)[:60] for key in secret if key not in nested]
    return {
        key: _without_secrets(value, dropped) for key, value in stored.items() if key not in secret or key in nested
    }


def _refusal(content: Content) -> ConsoleError | None:
    try:
        prompts.check(content)
    except InvalidInputError as error:
        return error
    return None


def _equal(one: PromptVersion, content: Content, note: str) -> bool:
    def known(labels: Mapping[str, str]) -> dict[str, str]:
        return {key: value.strip() for key, value in labels.items() if value.strip()}

    mine = replace(one.content, labels=known(one.content.labels))
    return one.note == note and mine == replace(content, labels=known(content.labels))


def _without_doubles(planned: tuple[PlannedPrompt, ...]) -> tuple[PlannedPrompt, ...]:
    """Two prompts of one file cannot go under one name."""
    taken: set[str] = set()
    kept = []
    for one in planned:
        double = ConflictError(
            Message("Two prompts of the file would have the name “{name}”.", name=one.name),
            Message("Give one of them another name."),
        )
        kept.append(replace(one, problem=double) if one.name in taken and not one.problem else one)
        taken.add(one.name)
    return tuple(kept)
