"""The words that a search goes through: distinct lines of all versions, folded so that case and width do not matter."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.prompts import PromptVersion

LONGEST_QUERY = 200
MOST_CHARACTERS = 2_000_000
AROUND = 60


class _Folds(dict[int, str]):
    """What each character is compared as: half width as full width, capital as small."""

    def __missing__(self, code: int) -> str:
        self[code] = unicodedata.normalize("NFKC", chr(code)).casefold() if code else ""
        return self[code]


_FOLDS = _Folds()


@dataclass(frozen=True)
class Line:
    """One line of a prompt; `version` is the newest one that says it, 0 for what belongs to no version."""

    version: int
    text: str


@dataclass(frozen=True)
class Excerpt:
    """The words around a hit, as they were written."""

    version: int
    before: str
    hit: str
    after: str


def fold(text: str) -> str:
    """Character by character, so that a place in the folded text can be found again in the text itself."""
    return text.translate(_FOLDS)


def asked(query: str) -> list[str]:
    """The words of a query, each of which must occur."""
    return list(dict.fromkeys(word for one in query[:LONGEST_QUERY].split() if (word := fold(one))))


def of_version(one: PromptVersion) -> list[Line]:
    """Everything that a version says: its text, title, labels, note and author."""
    spoken = "\n".join(message.content for message in one.content.messages)
    said = [*one.content.labels.values(), one.note, one.author, spoken]
    return [Line(one.version, line) for text in said for line in text.split("\n") if line.strip()]


def distinct(lines: Iterable[Line]) -> list[Line]:
    """Each line once, under the newest version that says it; the newest come first, and the oldest may not fit."""
    kept: dict[str, Line] = {}
    room = MOST_CHARACTERS
    for line in sorted(lines, key=lambda line: -line.version):
        if line.text not in kept and (room := room - len(line.text)) >= 0:
            kept[line.text] = line
    return list(kept.values())


def excerpt(lines: Sequence[Line], words: Sequence[str]) -> Excerpt | None:
    """The place where most of the words stand together, in the newest version that has it."""
    found = [(sum(word in folded for word in words), line) for line in lines if (folded := fold(line.text))]
    most, best = max(found, key=lambda one: (one[0], one[1].version), default=(0, Line(0, "")))
    if not most or not best.version:
        return None
    folded = fold(best.text)
    word = max((word for word in words if word in folded), key=len)
    start, end = _place(best.text, folded.index(word), len(word))
    left, right = max(start - AROUND, 0), end + AROUND
    before = ("…" if left else "") + best.text[left:start]
    after = best.text[end:right] + ("…" if right < len(best.text) else "")
    return Excerpt(best.version, before.lstrip(), best.text[start:end], after.rstrip())


def _place(text: str, start: int, length: int) -> tuple[int, int]:
    """Where in the text stands what begins at `start` of its folded form."""
    at, first, last = 0, None, len(text)
    for position, character in enumerate(text):
        at += len(_FOLDS[ord(character)])
        if first is None and at > start:
            first = position
        if at >= start + length:
            last = position + 1
            break
    return first or 0, last
