"""What a line changed, value by value, in words instead of stored structure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.audit.reading import Event
from services.audit.verbs import Verb
from services.messages import Message, mark

LONGEST = 500
MOST = 200
FIELDS = {
    "": mark("Value"),
    "rows": mark("Questions"),
    "minimum": mark("Minimum"),
    "name": mark("Name"),
    "version": mark("Version"),
    "prompt": mark("Prompt"),
    "prompt_version": mark("Prompt version"),
    "agent_version": mark("Agent version"),
    "endpoint": mark("Endpoint"),
    "settings": mark("Settings"),
    "kind": mark("Kind"),
    "release": mark("Release"),
    "company": mark("Company"),
    "model": mark("Model"),
    "message": mark("Message"),
    "title": mark("Title"),
    "queue": mark("Review queue"),
    "at": mark("Time"),
    "by": mark("Person"),
    "rate": mark("Share"),
    "lines": mark("Lines"),
}
_ID = re.compile(r"(?:[a-z]{1,3}-)?[0-9a-f]{32,}")


@dataclass(frozen=True)
class Difference:
    """One value that changed; `path` leads to it, from the outside in."""

    path: tuple[Message | str, ...]
    before: Message | str
    after: Message | str


def differences(line: Event) -> list[Difference]:
    """Every value that is not the same before and after, at most MOST."""
    if line.verb == Verb.MOVE_TRAFFIC:
        return _shares(line)
    before, after = dict(_flat(line.before)), dict(_flat(line.after))
    paths = list(dict.fromkeys([*before, *after]))
    changed = [path for path in paths if before.get(path) != after.get(path)]
    return [
        Difference(tuple(map(_field, path or ("",))), _told(before.get(path)), _told(after.get(path)))
        for path in changed[:MOST]
    ]


def _shares(line: Event) -> list[Difference]:
    """Traffic is kept as shares by version of the agent."""
    before, after = (one if isinstance(one, dict) else {} for one in (line.before, line.after))
    return [
        Difference((Message("Agent version {n}", n=number),), _percent(before.get(number)), _percent(after.get(number)))
        for number in dict.fromkeys([*before, *after])
        if before.get(number) != after.get(number)
    ]


def _percent(share: Any) -> Message | str:
    return Message("{n} %", n=share or 0)


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, (*path, str(key)))
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, (*path, str(number)))
    else:
        yield path, value


def _field(key: str) -> Message | str:
    return Message(FIELDS[key]) if key in FIELDS else key.replace("_", " ")


def _told(value: Any) -> Message | str:
    """One value in words; an id of the platform is only told apart from others."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return Message("yes") if value else Message("no")
    if isinstance(value, list):
        return ", ".join(_short(str(one)) for one in value)[:LONGEST]
    return _short(str(value))


def _short(text: str) -> str:
    return f"{text[:8]}…" if _ID.fullmatch(text) else text[:LONGEST]
