"""Two versions side by side: message by message, then the settings, the response format and the labels."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.prompts.content import ChatMessage, Content
from services.prompts.difference import Piece, PromptChange, difference, rising
from services.prompts.segments import segments

# Two messages that share less than this are not the same message, rewritten.
LEAST_ALIKE = 0.4
# How far a message may have moved to be recognised.
FARTHEST = 50


@dataclass(frozen=True)
class MessageChange:
    """A message before and after, with its place counted from 1; one of the two is missing when it came or went."""

    before: ChatMessage | None
    after: ChatMessage | None
    was_at: int | None
    is_at: int | None
    moved: bool
    text: PromptChange

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.text.pieces

    @property
    def role_changed(self) -> bool:
        return self.before is not None and self.after is not None and self.before.role != self.after.role

    @property
    def changed(self) -> bool:
        kept = self.before is not None and self.after is not None
        return not kept or self.moved or self.role_changed or any(piece.kind != "same" for piece in self.pieces)


@dataclass(frozen=True)
class ValueChange:
    """A named value of a version that is not what it was; None is not set."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Comparison:
    """Everything in which two versions differ; `messages` holds the unchanged ones too, in their new order."""

    messages: tuple[MessageChange, ...]
    settings: tuple[ValueChange, ...]
    response_format: PromptChange | None
    labels: tuple[ValueChange, ...]

    @property
    def text_changed(self) -> bool:
        return any(message.changed for message in self.messages)

    @property
    def reaches_the_model(self) -> bool:
        return self.text_changed or bool(self.settings) or self.response_format is not None


def compare(old: Content, new: Content) -> Comparison:
    """What `new` changes in `old`, for reading; what that means for people is told by `impact`."""
    return Comparison(
        messages=tuple(_messages(old, new)),
        settings=_values(old.settings.to_json(), new.settings.to_json()),
        response_format=_formats(old.response_format, new.response_format),
        labels=_values(old.labels, new.labels),
    )


def _messages(old: Content, new: Content) -> Iterator[MessageChange]:
    """The new order; a message that went stands behind the one that it followed."""
    before, after = old.messages, new.messages
    origin = _paired(before, after)
    order = [(is_at, origin[is_at]) for is_at in sorted(origin)]
    kept = {order[index][0] for index in rising([was_at for _, was_at in order])}
    gone = [was_at for was_at in range(len(before)) if was_at not in origin.values()]
    follows = {was_at: is_at for is_at, was_at in origin.items()}
    behind: dict[int, list[int]] = {}
    for was_at in gone:
        last = next((follows[place] for place in range(was_at - 1, -1, -1) if place in follows), -1)
        behind.setdefault(last, []).append(was_at)
    for is_at in range(-1, len(after)):
        if is_at >= 0:
            yield _change(before, after, origin.get(is_at), is_at, is_at in origin and is_at not in kept)
        for was_at in behind.get(is_at, []):
            yield _change(before, after, was_at, None, False)


def _change(
    before: tuple[ChatMessage, ...], after: tuple[ChatMessage, ...], was_at: int | None, is_at: int | None, moved: bool
) -> MessageChange:
    one = None if was_at is None else before[was_at]
    other = None if is_at is None else after[is_at]
    text = difference(one.content if one else "", other.content if other else "")
    places = [None if place is None else place + 1 for place in (was_at, is_at)]
    return MessageChange(one, other, places[0], places[1], moved, text)


def _paired(before: tuple[ChatMessage, ...], after: tuple[ChatMessage, ...]) -> dict[int, int]:
    """Where each message of the new version stood: the unchanged ones first, then the most alike ones."""
    if len(before) == len(after) == 1:
        return {0: 0}
    found: dict[int, int] = {}
    taken: set[int] = set()
    words = [[frozenset(segments(message.content)) for message in messages] for messages in (before, after)]

    def likeness(was_at: int, is_at: int) -> tuple[float, int]:
        one, other = before[was_at], after[is_at]
        shared = len(words[0][was_at] & words[1][is_at]) / max(len(words[0][was_at]), len(words[1][is_at]), 1)
        alike = 1.0 if one.content == other.content else 0.9 * shared
        return alike + 0.1 * (one.role == other.role), -abs(was_at - is_at)

    near = [(one, other) for one in range(len(before)) for other in range(len(after)) if abs(one - other) <= FARTHEST]
    possible = [(likeness(was_at, is_at), was_at, is_at) for was_at, is_at in near]
    for (alike, _), was_at, is_at in sorted(possible, key=lambda one: one[0], reverse=True):
        if alike >= LEAST_ALIKE and is_at not in found and was_at not in taken:
            found[is_at] = was_at
            taken.add(was_at)
    return found


def _values(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    names = dict.fromkeys([*old, *new])
    changes = (ValueChange(name, old.get(name), new.get(name)) for name in names)
    return tuple(change for change in changes if change.before != change.after)


def _formats(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> PromptChange | None:
    written = [json.dumps(schema, ensure_ascii=False, indent=2) + "\n" if schema else "" for schema in (old, new)]
    return None if (old or None) == (new or None) else difference(*written)
