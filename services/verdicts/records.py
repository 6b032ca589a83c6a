"""What a verdict is: the word, and every number behind it with its sentence."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from services.messages import Message

BETTER, WORSE, UNSURE = "better", "worse", "cannot tell"
PASS, NUMBER = "pass", "number"
OVERALL = ""


@dataclass(frozen=True)
class VerdictSettings:
    """How a verdict is made.

    `sure`: the chance of a false alarm. `margin`: the loss that would not matter, as a share of the scale. `noise`: the
    size of the difference by scorer's name (and OVERALL) when the same version was asked twice. `scales`: lowest and
    highest value of numeric scorers; without one, what was seen.
    """

    sure: float = 0.05
    margin: float = 0.05
    noise: Mapping[str, float] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)


DEFAULT = VerdictSettings()


@dataclass(frozen=True)
class ScorerVerdict:
    """How one scorer's rows changed, in shares for pass and fail and in the scorer's own units for numbers.

    `low` to `high` is the 95 % interval of `difference`, None without shared rows; `adjusted_p` allows for the other
    scorers; `not_worse`: shown to be not worse by more than `margin`. `needed_rows`: how many more would settle it, 0
    when it is settled, None when no number can be given.
    """

    name: str
    kind: str
    word: str
    difference: float
    low: float | None
    high: float | None
    p_value: float
    adjusted_p: float
    better: int
    worse: int
    same: int
    rows: int
    now: float
    before: float
    margin: float
    not_worse: bool
    needed_rows: int | None
    sentences: tuple[Message, ...] = ()

    @property
    def points(self) -> bool:
        """Whether differences are shares, told in points."""
        return self.kind == PASS


@dataclass(frozen=True)
class Verdict:
    """How the shared rows changed; `p_value` is the chance of such a difference between two equal versions.

    A row passes when every pass/fail scorer passes it; `difference` and its `interval` are of the share that does. When
    numeric scorers decided (`kind`) they are of their mean: one scorer's own units, or the mean share of several scales.
    `mixed` names the scorers that are clearly worse although the whole is better; then the word is "cannot tell".
    `noise`: what the same version asked twice differed by, 0 when unknown; `quiet`: only because of it there is no word.
    """

    word: str
    better: int
    worse: int
    p_value: float
    rows: int
    new_critical: list[str]
    scorers: tuple[ScorerVerdict, ...] = ()
    interval: tuple[float, float] | None = None
    needed_rows: int | None = None
    difference: float = 0.0
    not_worse: bool = False
    margin: float = DEFAULT.margin
    repeats: int = 1
    mixed: tuple[str, ...] = ()
    kind: str = PASS
    noise: float = 0.0
    quiet: bool = False
    sentences: tuple[Message, ...] = ()

    @property
    def same(self) -> int:
        return self.rows - self.better - self.worse

    def to_json(self) -> dict[str, Any]:
        """A form that a job can store; `from_json` reads it, and what earlier versions stored."""
        told = {"sentences": [one.to_json() for one in self.sentences]}
        scorers = [asdict(one) | {"sentences": [said.to_json() for said in one.sentences]} for one in self.scorers]
        return asdict(self) | told | {"scorers": scorers}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Verdict":
        known = {one.name for one in fields(cls)}
        kept = {name: value for name, value in stored.items() if name in known}
        scorers = tuple(ScorerVerdict(**(one | {"sentences": _told(one)})) for one in kept.get("scorers", ()))
        interval = tuple(kept["interval"]) if kept.get("interval") else None
        mixed = tuple(kept.get("mixed", ()))
        return cls(**(kept | {"scorers": scorers, "sentences": _told(kept), "interval": interval, "mixed": mixed}))


def _told(stored: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(Message.from_json(one) for one in stored.get("sentences", ()))
