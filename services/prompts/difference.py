"""What changed between two texts of a prompt, word by word, in bounded time."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.prompts.segments import LINE, segments

VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
# Comparing every word with every other one is quadratic. A part that needs more than MOST_STEPS insertions and deletions,
# and all that is left when EFFORT comparisons were made, counts as replaced.
MOST_STEPS = 300
DEAREST = 4_000_000
EFFORT = 6_000_000
SMALL = 40
# A rewritten paragraph that shares less than this with the old one is easier to read as a whole.
LEAST_SHARED = 0.2
KANA = re.compile(r"[ぁ-ゖ]")

Change = tuple[str, str]
Range = tuple[int, int, int, int]


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


def render(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables filled in; one without a value stays as it is written."""
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), template)


@lru_cache(maxsize=64)
def difference(old: str, new: str) -> PromptChange:
    """Word by word: what `new` adds to and removes from `old`; the pieces joined give back both texts."""
    was, will = variables(old), variables(new)
    return PromptChange(will - was, was - will, tuple(_pieces(old, new)))


def rows(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces cut where both texts begin a new line, so that the two stand beside each other."""
    found: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece.kind != "same":
            found[-1].append(piece)
            continue
        if all(one.kind != "same" and one.text.endswith("\n") for one in found[-1]):
            found.append([])
        for line in LINE.findall(piece.text):
            found[-1].append(Piece("same", line))
            if line.endswith("\n"):
                found.append([])
    return [row for row in found if row]


def rising(numbers: Sequence[int]) -> list[int]:
    """The positions of the longest rising selection of different numbers."""
    tops: list[int] = []
    piles: list[int] = []
    below: list[int | None] = []
    for index, number in enumerate(numbers):
        pile = bisect_left(tops, number)
        below.append(piles[pile - 1] if pile else None)
        tops[pile : pile + 1], piles[pile : pile + 1] = [number], [index]
    found: list[int] = []
    step = piles[-1] if piles else None
    while step is not None:
        found.append(step)
        step = below[step]
    return found[::-1]


def _pieces(old: str, new: str) -> Iterator[Piece]:
    for before, after in _joined(list(_changes(old, new))):
        if before == after:
            yield Piece("same", before)
            continue
        if before:
            yield Piece("removed", before)
        if after:
            yield Piece("added", after)


def _changes(old: str, new: str) -> Iterator[Change]:
    """Pairs of what was and what is, equal where nothing changed: first by lines, then by words inside of them."""
    effort = _Effort()
    for before, after in _aligned(LINE.findall(old), LINE.findall(new), effort):
        if before == after or not before or not after:
            yield before, after
            continue
        parts = list(_aligned(segments(before), segments(after), effort))
        shared = sum(len(was.strip()) for was, now in parts if was == now)
        if shared < LEAST_SHARED * min(len(before.strip()), len(after.strip())):
            yield before, after
        else:
            yield from parts


class _Effort:
    """What may still be spent on one difference."""

    def __init__(self) -> None:
        self.left = EFFORT

    def spend(self, much: int) -> bool:
        self.left -= much
        return self.left > 0


def _aligned(before: list[str], after: list[str], effort: _Effort) -> Iterator[Change]:
    at, to = 0, 0
    for one, other in [*sorted(_pairs(before, after, effort)), (len(before), len(after))]:
        if at < one or to < other:
            yield "".join(before[at:one]), "".join(after[to:other])
        if one < len(before):
            yield before[one], before[one]
        at, to = one + 1, other + 1


def _pairs(before: list[str], after: list[str], effort: _Effort) -> list[tuple[int, int]]:
    """Positions of what stayed: both ends, then what occurs once in both, then the rest in between exactly."""
    found: list[tuple[int, int]] = []
    open: list[Range] = [(0, len(before), 0, len(after))]
    while open:
        a, b, c, d = open.pop()
        while a < b and c < d and before[a] == after[c]:
            found.append((a, c))
            a, c = a + 1, c + 1
        while a < b and c < d and before[b - 1] == after[d - 1]:
            b, d = b - 1, d - 1
            found.append((b, d))
        if a < b and c < d:
            matches, rest = _matches(before[a:b], after[c:d], effort)
            found += [(a + one, c + other) for one, other in matches]
            open += [(a + one, a + two, c + three, c + four) for one, two, three, four in rest]
    return found


def _matches(before: list[str], after: list[str], effort: _Effort) -> tuple[list[tuple[int, int]], list[Range]]:
    """What stayed in a part, and the parts of it that still have to be compared."""
    size = len(before) + len(after)
    if size > SMALL and (kept := _anchors(before, after)) and effort.spend(size):
        starts, ends = [(0, 0), *((one + 1, other + 1) for one, other in kept)], [*kept, (len(before), len(after))]
        return kept, [(a, b, c, d) for (a, c), (b, d) in zip(starts, ends, strict=True)]
    most = min(MOST_STEPS, DEAREST // size)
    return (_shortest(before, after, most, effort) if effort.left > 0 else []), []


def _shortest(before: list[str], after: list[str], most: int, effort: _Effort) -> list[tuple[int, int]]:
    """What stays when as little as possible is taken out and put in (Myers 1986); nothing beyond `most` steps."""
    n, m = len(before), len(after)
    # How far each diagonal was reached; a negative diagonal counts from the end of the list.
    reached, trail = [0] * (2 * most + 3), []
    for steps in range(most + 1):
        trail.append(reached[: steps + 2] + reached[-steps - 1 :])
        effort.spend(n + m)
        for diagonal in range(-steps, steps + 1, 2):
            below, above = reached[diagonal - 1], reached[diagonal + 1]
            x = above if diagonal == -steps or (diagonal != steps and below < above) else below + 1
            y = x - diagonal
            while x < n and y < m and before[x] == after[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            if x >= n and y >= m:
                return _walked(trail, n, m)
    return []


def _walked(trail: list[list[int]], x: int, y: int) -> list[tuple[int, int]]:
    """The way back from the end: the steps along both texts are what stayed."""
    kept: list[tuple[int, int]] = []
    for steps in range(len(trail) - 1, -1, -1):
        diagonal, reached = x - y, trail[steps]
        below, above = reached[diagonal - 1], reached[diagonal + 1]
        down = diagonal == -steps or (diagonal != steps and below < above)
        start = above if down else below + 1
        kept += [(one, one - diagonal) for one in range(start, x)]
        x, y = (start, start - diagonal - 1) if down else (start - 1, start - diagonal)
    return kept


def _anchors(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """The longest list of things in the same order that occur exactly once in both, as patience diff finds them."""
    once, other = _once(before), _once(after)
    common = [(position, other[text]) for text, position in once.items() if text in other]
    return [common[index] for index in rising([position for _, position in common])]


def _once(texts: list[str]) -> dict[str, int]:
    """Where each text stands that occurs once, in order; blanks are left out."""
    count = Counter(texts)
    return {text: position for position, text in enumerate(texts) if count[text] == 1 and not text.isspace()}


def _joined(changes: list[Change]) -> Iterator[Change]:
    """Neighbours as one; what stayed between two changes but is no more than a blank or one kana goes with them."""
    run: Change | None = None
    for position, change in enumerate(changes):
        following = changes[position + 1] if position + 1 < len(changes) else ("", "")
        thin = run is not None and run[0] != run[1] and following[0] != following[1] and _thin(change, run, following)
        if run is None:
            run = change
        elif thin or (run[0] == run[1]) == (change[0] == change[1]):
            run = run[0] + change[0], run[1] + change[1]
        else:
            yield run
            run = change
    if run is not None:
        yield run


def _thin(change: Change, before: Change, after: Change) -> bool:
    text = change[0]
    if change[0] != change[1] or "\n" in text:
        return False
    touching = (*(side[-1:] for side in before), *(side[:1] for side in after))
    return text.isspace() or (len(text) == 1 and all(KANA.match(character) for character in (text, *touching)))
