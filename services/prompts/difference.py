"""What changed between two texts of a prompt, word by word, in bounded time."""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
# Words, runs of one Japanese script, blanks and single marks: pieces that a person would call changed.
PIECES = re.compile(r"[A-Za-z0-9_']+|[぀-ゟ]+|[゠-ヿー]+|[一-鿿々]+|\{\{.*?\}\}|\s+|.", re.DOTALL)
# Comparing is quadratic: beyond MOST_WORDS of what differs the rest counts as replaced, and beyond MOST_EXACT
# difflib's own shortcut for frequent words is allowed.
MOST_WORDS = 2_000
MOST_EXACT = 600


@dataclass(frozen=True)
class Piece:
    """A run of text in a difference; `kind` is same, added or removed."""

    kind: str
    text: str


@dataclass(frozen=True)
class PromptChange:
    """What callers and readers of the prompt would notice if the new version replaced the old one."""

    added: frozenset[str]
    removed: frozenset[str]
    pieces: tuple[Piece, ...]

    @property
    def breaks_callers(self) -> bool:
        return bool(self.added)


def variables(template: str) -> frozenset[str]:
    """The names in double braces, as the registry detects them."""
    return frozenset(VARIABLE.findall(template))


def difference(old: str, new: str) -> PromptChange:
    """Word by word: what `new` adds to and removes from `old`; what both begin and end with costs next to nothing."""
    before, after = PIECES.findall(old), PIECES.findall(new)
    start = _common(zip(before, after, strict=False))
    end = _common(zip(reversed(before[start:]), reversed(after[start:]), strict=False))
    gone, come = before[start : len(before) - end], after[start : len(after) - end]
    pieces = [
        Piece("same", "".join(before[:start])),
        *_words(gone[:MOST_WORDS], come[:MOST_WORDS]),
        Piece("removed", "".join(gone[MOST_WORDS:])),
        Piece("added", "".join(come[MOST_WORDS:])),
        Piece("same", "".join(before[len(before) - end :])),
    ]
    was, will = variables(old), variables(new)
    return PromptChange(will - was, was - will, tuple(piece for piece in pieces if piece.text))


def _words(before: list[str], after: list[str]) -> Iterator[Piece]:
    """Blanks are no anchors, so that two wholly different texts do not take minutes."""
    matcher = difflib.SequenceMatcher(str.isspace, before, after, autojunk=len(before) + len(after) > MOST_EXACT)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(before[a:b]))
            continue
        yield Piece("removed", "".join(before[a:b]))
        yield Piece("added", "".join(after[c:d]))


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            return count
        count += 1
    return count
