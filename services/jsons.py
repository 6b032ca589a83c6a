"""JSON and texts of other people: what no database or screen can hold is refused or replaced."""

import json
import re
from typing import Any

DEEPEST = 60
HALVES = re.compile("[\ud800-\udfff]")


def sound(text: str) -> str:
    """The text without halves of characters: JSON may hold them, and nothing can write them."""
    return HALVES.sub("\ufffd", text)


def parsed(text: str | bytes) -> Any:
    """The value; raises ValueError, also for what is nested too deeply."""
    try:
        written = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        found = json.loads(written)
        if "\\ud" in written.lower():
            found = json.loads(sound(json.dumps(found, ensure_ascii=False)))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if written.count("[") + written.count("{") > DEEPEST:
        _measure(found, DEEPEST)
    return found


def _measure(found: Any, left: int) -> None:
    inner = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    if left < 0:
        raise ValueError("nested too deeply")
    for one in inner:
        _measure(one, left - 1)
