"""Which version answers: weighted, and always the same one for one conversation while the weights stay."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """A version that is ready now; `weight` is its share of the traffic, `shadow` of copies of it, in percent."""

    row: int
    version: int
    weight: int
    url: str
    shadow: int = 0


def choose(targets: Sequence[Target], endpoint: str, conversation: str | None) -> Target | None:
    """The target for an ordinary request; None when no ready version has a share of the traffic.

    Versions stand in order on a line from 0 to the sum of their weights: when a share grows, only conversations of
    its neighbour move.
    """
    weighted = sorted((target for target in targets if target.weight > 0), key=lambda target: target.version)
    total = sum(target.weight for target in weighted)
    point = _point(endpoint, conversation) * total
    for target in weighted:
        if point < target.weight:
            return target
        point -= target.weight
    return None


def conversation_of(body: Mapping[str, Any]) -> str | None:
    """`context.conversation_id`, else `custom_inputs.session_id`."""
    for part, name in (("context", "conversation_id"), ("custom_inputs", "session_id")):
        given = body.get(part)
        if isinstance(given, dict) and given.get(name):
            return str(given[name])
    return None


def _point(endpoint: str, conversation: str | None) -> float:
    if conversation is None:
        return random.random()
    digest = hashlib.sha256(f"{endpoint}\0{conversation}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:7]) / (1 << 56)
