"""The words that a search goes through: distinct lines of all versions, folded so that case and width do not matter."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

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


class Line(NamedTuple):
    """One line of a prompt; `version` is the newest one that says it, 0 for what belongs to no version."""

    version: int
    text: str


@dataclass(frozen=True)
class Excerpt:
    """A place in a version, as it was written, in parts: each with whether it was looked for."""

    version: int
    parts: tuple[tuple[str, bool], ...]


def fold(text: str) -> str:
    """Character by character, so that a place in the folded text can be found again in the text itself."""
    return text.translate(_FOLDS)


def asked(query: str) -> list[str]:
    """The words of a query, each of which must occur."""
    return list(dict.fromkeys(word for one in query[:LONGEST_QUERY].split() if (word := fold(one))))


def of_version(one: PromptVersion) -> list[Line]:
    """Everything that a version says: its text, title, labels, note and author."""
    spoken = "\n".join(message.content for message in one.content.messages)
    said = [*one.content.labels.values(), one.note, one.author, one.origin.author if one.origin else "", spoken]
    return [Line(one.version, line) for text in said for line in text.split("\n") if line.strip()]


def distinct(lines: Iterable[Line]) -> list[Line]:
    """Each line once, under the newest version that says it; the newest come first, and the oldest may not fit."""
    kept: dict[str, Line] = {}
    room = MOST_CHARACTERS
    for line in sorted(lines, key=lambda line: -line.version):
        if line.text not in kept and (room := room - len(line.text)) >= 0:
            kept[line.text] = line
    return list(kept.values())


def excerpt(lines: Sequence[tuple[int, str]], folded: Sequence[str], words: Sequence[str]) -> Excerpt | None:
    """The place where most of the words stand together, in the newest version that has it; `lines` as those of Line."""
    found = [sum(map(said.__contains__, words)) for said in folded]
    most = max(found, default=0)
    of_most = (Line(*lines[place]) for place, n in enumerate(found) if n and n == most)
    best = max(of_most, key=lambda line: line.version, default=Line(0, ""))
    if not best.version:
        return None
    first = min(start for start, _ in _places(best.text, words))
    left, right = max(first - AROUND, 0), first + 2 * AROUND
    parts = _parts(best.text[left:right], words)
    return Excerpt(best.version, (*_cut(left > 0), *parts, *_cut(right < len(best.text))))


def _cut(cut: bool) -> tuple[tuple[str, bool], ...]:
    return (("…", False),) if cut else ()


def _parts(text: str, words: Sequence[str]) -> list[tuple[str, bool]]:
    sought = {place for start, end in _places(text, words) for place in range(start, end)}
    grouped = groupby(range(len(text)), key=sought.__contains__)
    return [("".join(text[place] for place in places), hit) for hit, places in grouped]


def _places(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where the words stand in the text itself: one of its characters may be several when it is folded."""
    folded = fold(text)
    origin = [place for place, character in enumerate(text) for _ in _FOLDS[ord(character)]]
    starts = [(found.start(), found.end()) for word in words for found in re.finditer(re.escape(word), folded)]
    return [(origin[start], origin[end - 1] + 1) for start, end in starts]
