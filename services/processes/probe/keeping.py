"""Whether an agent still holds what was said to it."""

import sys
from typing import Any

DEEPEST = 5
MOST_LOOKED_AT = 5_000


def keeper(agent: Any, words: list[str]) -> str:
    """The attribute or global that still holds what was said; empty for none."""
    module = sys.modules.get(type(agent).__module__)
    places = {f"self.{name}": value for name, value in plain_vars(agent).items()}
    places |= {
        name: value
        for name, value in (vars(module) if module else {}).items()
        if isinstance(value, (str, list, dict, set, tuple)) and not name.startswith("__")
    }
    return next((name for name, value in places.items() if holds(value, words, [MOST_LOOKED_AT])), "")


def holds(value: Any, words: list[str], left: list[int], depth: int = DEEPEST) -> bool:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        return False
    if isinstance(value, str):
        return any(word in value for word in words)
    inner = [*value.keys(), *value.values()] if isinstance(value, dict) else None
    if inner is None:
        inner = list(value) if isinstance(value, (list, tuple, set, frozenset)) else list(plain_vars(value).values())
    return any(holds(one, words, left, depth - 1) for one in inner)


def plain_vars(value: Any) -> dict[str, Any]:
    try:
        return dict(vars(value))
    except TypeError:
        return {}
