"""How far an evaluation is, counted from MLflow's threads and shown with its job; every count may stop the work."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol

from mlflow.entities import Trace, TraceState

from services.evaluations.patience import Patience
from services.messages import Message

LOST_AFTER = 8


class Hopeless(BaseException):
    """Every question so far failed; not an Exception, so that MLflow's harness does not swallow it."""


class Shows(Protocol):
    """Where it is shown how far the work is; may raise to stop it."""

    def progress(self, done: int, total: int, note: Message | None = None) -> None: ...


class Tally:
    """Counts answers and scores; what an earlier attempt had done is counted from the start."""

    def __init__(self, shows: Shows, rows: int, scorers: int, per_minute: int | None = None) -> None:
        self.first_error = ""
        self.answered = self.failed = 0
        self.patience = Patience(per_minute, look=self.look)
        self._shows, self._rows, self._scorers = shows, rows, scorers
        self._scores: dict[str, int] = {}
        self._whole = 0
        self._lock = threading.Lock()
        self._begun, self._before = time.monotonic(), 0.0

    def had(self, traces: Iterable[Trace], given: Iterable[tuple[str, str]]) -> None:
        """Begin where an earlier attempt ended: its answers, and their scores by trace and scorer."""
        answered = {trace.info.trace_id: trace.info.state == TraceState.OK for trace in traces}
        self.answered = sum(answered.values())
        self.failed = len(answered) - self.answered
        self._scores = dict(Counter(trace_id for trace_id, _ in given if answered.get(trace_id)))
        self._whole = sum(count >= self._scorers for count in self._scores.values())
        self._before = self._done()

    def asking(self) -> "_Asking":
        return _Asking(self)

    def ended(self, error: Exception | None) -> None:
        """One more question was answered, or failed; raises Hopeless when none could be answered at all."""
        with self._lock:
            self.answered += error is None
            self.failed += error is not None
            self.first_error = self.first_error or (str(error or "").strip().splitlines() or [""])[0]
            if error is not None and self.answered == 0 and self.failed >= min(LOST_AFTER, self._rows):
                raise Hopeless
            self._show()

    def scored(self, trace_id: str) -> None:
        """One more scorer is done with an answer."""
        with self._lock:
            self._scores[trace_id] = self._scores.get(trace_id, 0) + 1
            self._whole += self._scores[trace_id] == self._scorers
            self._show()

    def look(self) -> None:
        """Show the waiting, and hear of a stop."""
        with self._lock:
            self._show()

    @property
    def asked(self) -> int:
        """The lines that were answered or failed."""
        return min(self.answered + self.failed, self._rows)

    def _done(self) -> float:
        """Lines, with asking and each score an equal part of one."""
        shares = sum(self._scores.values()) + self.answered + self.failed * (self._scorers + 1)
        return min(shares / (self._scorers + 1), self._rows)

    def _show(self) -> None:
        done = self._done()
        counts = {"answered": self.answered, "rows": self._rows, "scored": self._whole, "failed": self.failed}
        left, waits = self._left(done), self.patience.waits
        note = Message(
            "Answered: {answered} of {rows}, scored: {scored}, failed: {failed}. {left}", **counts, left=left
        )
        if waits:
            note = Message(
                "Answered: {answered} of {rows}, scored: {scored}, failed: {failed}. Waits for the model's limit: "
                "{waits}. {left}",
                **counts,
                waits=waits,
                left=left,
            )
        self._shows.progress(min(int(done), self._rows - 1), self._rows, note)

    def _left(self, done: float) -> Message:
        """Until the end, at the speed so far."""
        gained = done - self._before
        if gained <= 0:
            return Message("The time left is not known yet.")
        seconds = (time.monotonic() - self._begun) / gained * (self._rows - done)
        return spoken(seconds)


def spoken(seconds: float) -> Message:
    """A time that is left, no more exact than anybody can know it."""
    if seconds < 60:
        return Message("Less than a minute left.")
    return Message("About {n} {n:minute|minutes} left.", n=round(seconds / 60))


class _Asking:
    """One question on its way: its end is counted, its error goes on to MLflow."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, Exception):
            self._tally.ended(error)
