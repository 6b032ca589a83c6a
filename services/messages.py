"""Text for people: a message is an English id with named values, rendered in the reader's language at the edge."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

LANGUAGES = {"en": "English", "ja": "日本語"}
CATALOGUE = Path(__file__).parent / "locale" / "ja.po"

# “{n:answer|answers}”: the word for one, and the word for any other number.
_FORMS = re.compile(r"\{(\w+):([^{}|]*)\|([^{}|]*)\}")
# Names alone: whoever wrote the text reaches no attribute of a value and fills no memory with its width.
_NAMES = re.compile(r"\{\{|\}\}|\{(\w+)\}")
_LONGEST, _DEEPEST = 2_000, 3

Value = "str | int | float | datetime | Message"


@dataclass(frozen=True, init=False)
class Message:
    """One sentence for the screen: `id` is its English text, `{names}` in it are filled from `values`.

    A time among them, which knows its zone, is told in the reader's.
    """

    id: str
    values: tuple[tuple[str, Any], ...]

    def __init__(self, id: str, /, **values: Any) -> None:
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "values", tuple(sorted(values.items())))

    def __str__(self) -> str:
        return render(self, "en")

    def to_json(self) -> dict[str, Any]:
        """A form that a job, a step or an event can store; `from_json` reads it back."""
        return {"id": self.id, "values": {name: _value_to_json(value) for name, value in self.values}}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Message":
        return cls(stored["id"], **{name: _value_from_json(value) for name, value in stored["values"].items()})


def _value_to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    return value.to_json() if isinstance(value, Message) else value


def _value_from_json(stored: Any) -> Any:
    if not isinstance(stored, dict):
        return stored
    return datetime.fromisoformat(stored["at"]) if stored.keys() == {"at"} else Message.from_json(stored)


def stored(text: str) -> Message | None:
    """A message of ours as a store keeps it to which others write too; None for anything else."""
    try:
        found = Message.from_json(json.loads(text)) if len(text) <= _LONGEST else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if found is not None and _is_ours(found, _DEEPEST) else None


def _is_ours(message: Message, depth: int) -> bool:
    said = (
        _is_ours(one, depth - 1) if isinstance(one, Message) else not isinstance(one, list) for _, one in message.values
    )
    return depth > 0 and isinstance(message.id, str) and all(said)


def mark(id: str) -> str:
    """Mark a text kept in a table for translation; the caller renders it later."""
    return id


def render(message: Message | str, language: str, zone: tzinfo = UTC) -> str:
    """The sentence in `language`, its times in `zone`; a plain string (a name, an outside error) stays as it is."""
    if isinstance(message, str):
        return message
    values = {name: _rendered(value, language, zone) for name, value in message.values}
    words = _FORMS.sub(lambda found: _form(values, *found.groups()), _translated(message.id, language))
    return _NAMES.sub(lambda found: str(values.get(found[1], found[0])) if found[1] else found[0][0], words)


def language_name(code: str) -> str:
    """What people call the language; a code that the console does not know is its own name."""
    return LANGUAGES.get(code, code)


def moment(time: datetime, zone: tzinfo) -> str:
    """A time in that zone, to the minute; UTC says so, since few people live by it."""
    local = time.astimezone(zone)
    return local.strftime("%Y-%m-%d %H:%M UTC" if local.tzname() == "UTC" else "%Y-%m-%d %H:%M")


def text(id: str, language: str, /, **values: Any) -> str:
    """Shorthand for rendering a message that is never stored."""
    return render(Message(id, **values), language)


def _rendered(value: Any, language: str, zone: tzinfo) -> Any:
    if isinstance(value, datetime):
        return moment(value, zone)
    return render(value, language, zone) if isinstance(value, Message) else value


def _form(values: Mapping[str, Any], name: str, one: str, many: str) -> str:
    return one if str(values.get(name)) == "1" else many


def _translated(id: str, language: str) -> str:
    return id if language == "en" else _catalogue().get(id, id)


@functools.cache
def _catalogue() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id and entry.string}
