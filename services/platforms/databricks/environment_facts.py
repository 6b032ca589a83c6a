"""What is told of the environment of a served version: apart from the SDK, which takes a second to load."""

from dataclasses import dataclass
from enum import StrEnum

from services.messages import Message


class Standing(StrEnum):
    """What is to be said of one variable; the worst first."""

    PLAIN = "plain"
    CONFLICT = "conflict"
    MISSING = "missing"
    OTHER = "other"
    IGNORED = "ignored"
    SET = "set"


@dataclass(frozen=True)
class Line:
    """One variable. `shown` is its value where everybody may read it, else None: never one that could be a key."""

    name: str
    standing: Standing
    shown: str | None = None
    why: Message | None = None
    mend: Message | None = None


@dataclass(frozen=True)
class Told:
    """The environment of one version that stands at the endpoint, the worst lines first."""

    version: int
    weight: int
    lines: tuple[Line, ...]

    @property
    def wrong(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.standing is not Standing.SET)
