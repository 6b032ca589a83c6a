"""JSON of other people: what no database or screen can hold is refused or replaced."""

import json
from typing import Any

from services.datasets.row import sound

DEEPEST = 60


def parsed(text: str) -> Any:
    """The value; raises ValueError, also for what is nested too deeply."""
    try:
        found = json.loads(text)
        if "\\ud" in text.lower():
            found = json.loads(sound(json.dumps(found, ensure_ascii=False)))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if text.count("[") + text.count("{") > DEEPEST:
        _measure(found, DEEPEST)
    return found


def _measure(found: Any, left: int) -> None:
    inner = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    if left < 0:
        raise ValueError("nested too deeply")
    for one in inner:
        _measure(one, left - 1)
