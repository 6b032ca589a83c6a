"""A queue of answers that wait for people: why they wait, what is asked about each, and whose turn it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.database import now
from services.people import Role

if TYPE_CHECKING:
    from services.people import Actor

FIRST, SECOND, REFEREE = 1, 2, 3
HELD, DONE, SKIPPED = "held", "done", "skipped"
SINGLE, SAME, DIFFER, REFEREED = "single", "same", "differ", "referee"
COMPLETE = frozenset({SINGLE, SAME, REFEREED})


class Pick(StrEnum):
    """Why an answer waits for people."""

    FAILED = "failed"
    DISAGREE = "disagree"
    COMPLAINT = "complaint"
    RANDOM = "random"
    CRITICAL = "critical"
    EVALUATION = "evaluation"


class Kind(StrEnum):
    """What a person says; ANSWER is the right answer, which MLflow keeps as an expectation."""

    PASS = "pass"
    CATEGORY = "category"
    NUMBER = "number"
    TEXT = "text"
    ANSWER = "answer"


@dataclass(frozen=True)
class Label:
    """One thing that is said of every answer; `name` is the assessment's name in MLflow."""

    name: str
    kind: Kind = Kind.PASS
    ask: str = ""
    options: tuple[str, ...] = ()
    low: float = 1.0
    high: float = 5.0
    needed: bool = True

    @property
    def compared(self) -> bool:
        """Whether two people can be expected to say exactly the same."""
        return self.kind not in (Kind.TEXT, Kind.ANSWER)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "kind": self.kind.value, "options": list(self.options)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Label":
        typed = {"kind": Kind(stored["kind"]), "options": tuple(stored["options"])}
        return cls(**{**stored, **typed, "low": float(stored["low"]), "high": float(stored["high"])})


@dataclass(frozen=True)
class Rule:
    """Which answers wait; `scorer` empty means any, `share` is that of RANDOM, `run_id` the evaluation to read.

    `most` answers at most. `grows`: new ones are looked for whenever the queue is opened. `seed` decides which answers
    are in a random share.
    """

    pick: Pick
    scorer: str = ""
    hours: float = 24.0 * 7
    share: float = 0.1
    run_id: str = ""
    critical: bool = False
    live_only: bool = True
    most: int = 50
    grows: bool = False
    seed: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "pick": self.pick.value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Rule":
        return cls(**{**stored, "pick": Pick(stored["pick"])})


@dataclass(frozen=True)
class Form:
    """What a person types to make a queue; no reviewers means that everyone who may review does."""

    name: str
    rule: Rule
    labels: tuple[Label, ...]
    reviewers: tuple[str, ...] = ()
    referee: str = ""
    double: bool = False
    blind: bool = False


@dataclass(frozen=True)
class Queue:
    """A queue as it is kept; `seats` says how many people judge each answer."""

    id: int
    name: str
    rule: Rule
    labels: tuple[Label, ...]
    reviewers: tuple[str, ...]
    referee: str
    seats: int
    blind: bool
    actor: str
    created_at: datetime
    looked_at: datetime | None
    closed_at: datetime | None

    @property
    def open(self) -> bool:
        return self.closed_at is None

    def reviews(self, actor: "Actor") -> bool:
        """Whether this person may take an answer; of two people who differ neither is the named referee."""
        listed = not self.reviewers or actor.id in self.reviewers
        return Role.REVIEWER in actor.roles and listed and not (self.seats > 1 and actor.id == self.referee)

    def referees(self, actor: "Actor") -> bool:
        """Whether this person may decide where two others differ; anyone where only those two are named."""
        if Role.REVIEWER not in actor.roles:
            return False
        if self.referee:
            return actor.id == self.referee
        return self.reviews(actor) or len({*self.reviewers}) <= self.seats


@dataclass(frozen=True)
class Turn:
    """One person's turn at one answer; `marks` names the assessments in MLflow by label."""

    id: int
    item_id: int
    actor: str
    seat: int | None
    state: str
    until: datetime | None
    marks: Mapping[str, list[str]]
    why: str
    at: datetime

    @property
    def counts(self) -> bool:
        """Whether it keeps others off its seat: what was taken in hand and left lying does not."""
        return self.state == DONE or (self.state == HELD and self.until is not None and self.until > now())


@dataclass(frozen=True)
class Item:
    """One answer of a queue with everybody's turns; `settled` says how its reviews ended."""

    id: int
    trace_id: str
    settled: str | None
    turns: tuple[Turn, ...] = field(default=())

    def of(self, actor: str) -> Turn | None:
        return next((turn for turn in self.turns if turn.actor == actor), None)

    def at(self, seat: int) -> Turn | None:
        return next((turn for turn in self.turns if turn.seat == seat and turn.counts), None)

    @property
    def complete(self) -> bool:
        return self.settled in COMPLETE

    @property
    def aside(self) -> bool:
        """Somebody skipped it, and nobody has judged it to the end."""
        return not self.complete and any(turn.state == SKIPPED for turn in self.turns)


def seat_for(queue: Queue, item: Item, actor: "Actor") -> int | None:
    """The seat that this person has, or could take, at an answer; None when it is nothing for them now."""
    mine = item.of(actor.id)
    if mine is not None and (mine.state == DONE or mine.counts):
        return mine.seat
    if mine is not None and mine.state == SKIPPED:
        return None
    if item.settled == DIFFER:
        return REFEREE if queue.referees(actor) and not item.at(REFEREE) else None
    free = [seat for seat in range(FIRST, queue.seats + 1) if item.at(seat) is None]
    return free[0] if free and not item.complete and queue.reviews(actor) else None


def waits_for(queue: Queue, item: Item, actor: "Actor") -> bool:
    """Whether this person could judge it now and has not done so."""
    mine = item.of(actor.id)
    return queue.open and not (mine and mine.state == DONE) and seat_for(queue, item, actor) is not None
