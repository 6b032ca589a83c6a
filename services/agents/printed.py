"""What MLflow and an agent print while it is logged: its last lines, kept without keys."""

import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from services.jobs import Cancelled, Superseded
from services.secrets import masked

if TYPE_CHECKING:
    from services.jobs import Work

KEPT = "printed"
SECONDS_BETWEEN = 1.0
MOST_LINES, LONGEST_LINE, REMEMBERED = 200, 500, 50_000
# Of an error's way only its end lies in the agent's own code.
LAST_CALLS = 5


class Printed:
    """A stream that passes everything on and remembers its last lines."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._open = ""

    @property
    def text(self) -> str:
        """The last lines, the oldest first; bounded, and without what looks like a key."""
        # Another thread may be adding lines.
        lines = [*self._lines.copy(), *([self._open] if self._open else [])]
        return "\n".join(_shortened(line) for line in masked("\n".join(lines)).splitlines()[-MOST_LINES:])

    def remember(self, text: str) -> None:
        *whole, self._open = (self._open + text).split("\n")
        # Keys are looked for in whole lines: one that is cut would not be known any more.
        self._lines.extend(line[-REMEMBERED:] for line in whole)
        self._open = self._open[-REMEMBERED:]


@contextmanager
def live(work: "Work", heard: Printed) -> Iterator[None]:
    """While inside, the job keeps what was heard about once a second; at the end once more, also after an error."""
    ended, shown = threading.Event(), [""]

    def keep() -> None:
        while not ended.wait(SECONDS_BETWEEN):
            with suppress(Cancelled, Superseded):
                if (text := heard.text) != shown[0]:
                    work.save(work.checkpoint | {KEPT: text})
                    shown[0] = text

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        with suppress(Cancelled, Superseded):
            work.save(work.checkpoint | {KEPT: heard.text})


class _Tee:
    """Stands in for one of the process's streams."""

    def __init__(self, printed: Printed, behind: TextIO) -> None:
        self._printed, self._behind = printed, behind

    def write(self, text: str) -> int:
        self._printed.remember(text)
        return self._behind.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._behind, name)


@contextmanager
def kept(printed: Printed) -> Iterator[None]:
    """Remember what is printed inside; an error that leaves is printed too, with where it came from."""
    out, err = _Tee(printed, sys.stdout), _Tee(printed, sys.stderr)
    with redirect_stdout(out), redirect_stderr(err), ExitStack() as leaving:  # type: ignore[type-var]  # both pass on what they do not do
        leaving.push(_print_error)
        yield


def _print_error(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
    if isinstance(error, Exception):
        print(masked("".join(traceback.format_exception(kind, error, trace, limit=-LAST_CALLS))), file=sys.stderr)


def _shortened(line: str) -> str:
    line = line.split("\r")[-1]
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
