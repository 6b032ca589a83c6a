"""Parts of a dataset: a random share of every topic, the same one each time."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.datasets.row import Row
from services.errors import InvalidInputError
from services.messages import Message


def split(
    rows: Sequence[Row], share: float, name: str, rest: str, *, by_topic: bool = True, seed: int = 1
) -> list[Row]:
    """The rows with `share` of them in the part `name` and the others in `rest`; raises InvalidInputError.

    A row's lot follows from its id and the seed, so the same rows get the same parts every time. Topics too small for
    the share draw lots for what is left of it, so that the whole has the share.
    """
    if not name.strip() or not rest.strip() or name.strip() == rest.strip():
        raise InvalidInputError(Message("The two parts need different names."), Message("Name both of them."))
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.topic if by_topic else ""].append(row)
    sizes = _sizes({topic: len(group) for topic, group in groups.items()}, share, seed)
    chosen = {row.id for topic, group in groups.items() for row in _drawn(group, seed)[: sizes[topic]]}
    return [replace(row, split=name.strip() if row.id in chosen else rest.strip()) for row in rows]


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows each part has, without those that belong to none."""
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.split:
            found[row.split] += 1
    return dict(sorted(found.items()))


def _sizes(groups: Mapping[str, int], share: float, seed: int) -> dict[str, int]:
    """How many rows of each group are chosen: the largest remainders are rounded up, the draw breaking ties."""
    exact = {name: round(n * share, 6) for name, n in groups.items()}
    sizes = {name: int(wanted) for name, wanted in exact.items()}
    left = int(sum(groups.values()) * share + 0.5) - sum(sizes.values())
    for name in sorted(exact, key=lambda name: (int(exact[name]) - exact[name], _lot(name, seed)))[:left]:
        sizes[name] += 1
    return sizes


def _drawn(group: Sequence[Row], seed: int) -> list[Row]:
    return sorted(group, key=lambda row: _lot(row.id, seed))


def _lot(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
