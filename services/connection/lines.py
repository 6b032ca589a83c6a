"""One thing the console stands on: its light, what was found, and how to mend it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.database import now
from services.errors import ConsoleError
from services.messages import Message

SECONDS = 5.0


class Light(StrEnum):
    """Green works, amber works less or waits for a choice, red does not work."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Line:
    """`statement` is what somebody with the right to do so runs to mend it; `link` leads to the thing itself."""

    name: str
    light: Light
    found: Message
    remedy: Message | None = None
    statement: str = ""
    link: str = ""


@dataclass(frozen=True)
class Report:
    """All lines, as old as `at`."""

    at: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Check:
    """How one line is found out."""

    name: str
    look: Callable[[], Line]


def report(checks: Sequence[Check]) -> Report:
    """Every line, asked at the same time; one that takes longer than its limit says so and holds up no other."""
    threads = ThreadPoolExecutor(max(1, len(checks)))
    try:
        asked = [(check, threads.submit(_look, check)) for check in checks]
        end = now().timestamp() + SECONDS
        lines = []
        for check, future in asked:
            try:
                lines.append(future.result(max(0.0, end - now().timestamp())))
            except TimeoutError:
                lines.append(silent(check.name))
        return Report(now(), tuple(lines))
    finally:
        threads.shutdown(wait=False)


def failed(name: str, error: ConsoleError) -> Line:
    """The red line of an error that is already in words."""
    return Line(name, Light.RED, error.message, error.remedy)


def _look(check: Check) -> Line:
    try:
        return check.look()
    except ConsoleError as error:
        return failed(check.name, error)


def silent(name: str) -> Line:
    """The red line of something that did not answer in time."""
    return Line(
        name,
        Light.RED,
        Message("No answer within {n} seconds.", n=round(SECONDS)),
        Message("Check again in a minute; the other lines do not wait for it."),
    )
