"""Parts of a dataset: a random share of every topic, the same one each time."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from services.datasets.row import Row
from services.errors import InvalidInputError
from services.messages import Message


def split(
    rows: Sequence[Row], share: float, name: str, rest: str, *, by_topic: bool = True, seed: int = 1
) -> list[Row]:
    """The rows with `share` of them in the part `name` and the others in `rest`; raises InvalidInputError.

    A row's lot follows from its id and the seed, so the same rows get the same parts every time.
    """
    if not name.strip() or not rest.strip() or name.strip() == rest.strip():
        raise InvalidInputError(Message("The two parts need different names."), Message("Name both of them."))
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.topic if by_topic else ""].append(row)
    chosen = {row.id for group in groups.values() for row in _share(group, share, seed)}
    return [replace(row, split=name.strip() if row.id in chosen else rest.strip()) for row in rows]


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows each part has, without those that belong to none."""
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.split:
            found[row.split] += 1
    return dict(sorted(found.items()))


def _share(group: Sequence[Row], share: float, seed: int) -> list[Row]:
    drawn = sorted(group, key=lambda row: hashlib.sha256(f"{seed}:{row.id}".encode()).digest())
    return drawn[: int(len(group) * share + 0.5)]
