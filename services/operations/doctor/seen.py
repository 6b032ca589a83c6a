"""The answer of one check."""

from dataclasses import dataclass
from enum import StrEnum

from services.messages import Message


class Level(StrEnum):
    """Whether anything has to be done: nothing, some day, or before the console works."""

    FINE = "fine"
    HINT = "hint"
    WRONG = "wrong"


@dataclass(frozen=True)
class Seen:
    """What was seen, and what to do about it."""

    level: Level
    what: Message
    remedy: Message | None = None


def fine(what: Message) -> Seen:
    return Seen(Level.FINE, what)
