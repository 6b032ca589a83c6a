"""One answer while it grows: its text, its times, its tokens, what it costs and how it ended."""

import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum

from services.errors import ConsoleError
from services.playground.calls import estimated_tokens
from services.playground.prices import Price

LONGEST_ANSWER = 200_000


class State(StrEnum):
    WAITING = "waiting"
    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Now:
    """An answer as it is at one moment; times in seconds, `cost` in US dollars, `estimated` when tokens are a guess."""

    state: State
    text: str
    first: float | None
    seconds: float | None
    sent: int
    got: int
    estimated: bool
    cost: float | None
    finish_reason: str
    error: ConsoleError | None

    @property
    def live(self) -> bool:
        return self.state in (State.WAITING, State.ASKED)


@dataclass
class Answer:
    """`sent` is the estimate until the model counts; `price` None when the price list does not know the model."""

    sent: int
    price: Price | None
    state: State = State.WAITING
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    got: int | None = None
    begun: float | None = None
    first: float | None = None
    ended: float | None = None
    finish_reason: str = "unknown"
    error: ConsoleError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def live(self) -> bool:
        return self.state in (State.WAITING, State.ASKED)

    @property
    def now(self) -> Now:
        text = "".join(self.pieces)
        got = estimated_tokens(text) if self.got is None else self.got
        asked = self.begun is not None
        return Now(
            self.state,
            text,
            self._since(self.first),
            self._since(self.ended if not self.live else time.monotonic()),
            self.sent,
            got,
            self.got is None,
            self.price.of(self.sent, got) if self.price and asked else None,
            self.finish_reason,
            self.error,
        )

    def begin(self) -> bool:
        """Whether it may be asked now: one that was cancelled while it waited stays cancelled."""
        with self.lock:
            if self.state is not State.WAITING:
                return False
            self.state, self.begun = State.ASKED, time.monotonic()
        return True

    def add(self, piece: str) -> bool:
        """Whether more may come: an answer that is too long to show is cut."""
        if not piece or not self.live:
            return self.live
        self.first = self.first or time.monotonic()
        self.pieces.append(piece[: LONGEST_ANSWER - self.length])
        self.length += len(piece)
        if self.length > LONGEST_ANSWER:
            self.finish_reason = "too_long"
            return False
        return True

    def count(self, sent: int, got: int) -> None:
        self.sent, self.got = sent, got

    def end(self, state: State, error: ConsoleError | None = None) -> None:
        with self.lock:
            self.ended = time.monotonic()
            self.state, self.error = state, error

    def _since(self, moment: float | None) -> float | None:
        return None if moment is None or self.begun is None else moment - self.begun
