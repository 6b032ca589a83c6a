"""Where the question and the answer are in traces of any shape: paths into what the root span was given and gave back."""

import functools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.jsons import sound

# The part of JSONPath (RFC 9535) that leads to one place: $.name, $['any name'], [0], [-1] and [*] for each.
STEP = re.compile(r"\.(\w+)|\[(\*|-?\d{1,4})\]|\['((?:[^'\\]|\\.)*)'\]")
EACH = "*"
# A name, a position counted from 0 or back from -1, or None for each.
Step = str | int | None


@dataclass(frozen=True)
class Places:
    """Paths to the question and to the answer; an empty one stands for what the console finds by itself.

    A trace that has nothing at a path is read as if there were none.
    """

    question: str = ""
    answer: str = ""

    def asked(self, given: Any) -> str:
        """The question in what the root was given; empty without a path, or with nothing there."""
        return _text(given, self.question)

    def answered(self, returned: Any) -> str:
        """The answer in what the root gave back; empty without a path, or with nothing there."""
        return _text(returned, self.answer)

    def inputs(self, given: Any) -> Any:
        """What the root was given, as a request in the console's own shape where the path leads to a question."""
        asked = self.asked(given)
        return {"input": [{"role": "user", "content": asked}]} if asked else given

    def outputs(self, returned: Any) -> Any:
        """The answer's text where the path leads to one, else what the root gave back."""
        return self.answered(returned) or returned

    def __bool__(self) -> bool:
        return bool(self.question or self.answer)


@functools.lru_cache(maxsize=100)
def steps(path: str) -> tuple[Step, ...]:
    """The path's steps; raises ValueError for what is no path."""
    found, at = list[Step](), 1
    while path[:1] == "$" and (step := STEP.match(path, at)):
        name, position, quoted = step.groups()
        found.append(_position(position) if position else re.sub(r"\\(.)", r"\1", quoted) if name is None else name)
        at = step.end()
    if path[:1] != "$" or at != len(path):
        raise ValueError(path)
    return tuple(found)


def is_path(path: str) -> bool:
    try:
        steps(path)
    except ValueError:
        return False
    return True


def written(steps: Sequence[Step]) -> str:
    """The path of these steps."""
    return "$" + "".join(map(_written, steps))


def _written(step: Step) -> str:
    if step is None or isinstance(step, int):
        return f"[{EACH if step is None else step}]"
    if re.fullmatch(r"[^\W\d]\w*", step):
        return f".{step}"
    return "['" + re.sub(r"(['\\])", r"\\\1", step) + "']"


def _position(step: str) -> int | None:
    return None if step == EACH else int(step)


def _text(value: Any, path: str) -> str:
    """The texts at the path, a line each."""
    if not path:
        return ""
    return "\n".join(text for one in _at(value, steps(path)) if (text := plain(one)))


def _at(value: Any, left: Sequence[Step]) -> Iterator[Any]:
    if not left:
        yield value
        return
    step, *rest = left
    if isinstance(step, str):
        inner = [value[step]] if isinstance(value, dict) and step in value else []
    elif not isinstance(value, list):
        inner = []
    else:
        inner = value if step is None else value[step:][:1] if step >= -len(value) else []
    for one in inner:
        yield from _at(one, rest)


def plain(value: Any) -> str:
    """A single value as people read it; empty for nothing, and for what holds other values."""
    if isinstance(value, str):
        return sound(value) if value.strip() else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    return ""
