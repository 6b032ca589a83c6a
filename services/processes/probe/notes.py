"""What the probe saw, and what somebody's code raised."""

import json
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from services.processes.probe import calls

LONGEST, MOST_CALLED = 300, 100
# What Python raises when code takes for granted what is not there.
UNFORESEEN = (IndexError, KeyError, TypeError, AttributeError, UnboundLocalError, StopIteration)


class Notes:
    """What was seen so far, written after every step, so that a crash or a hang leaves it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "seen.json"
        self.seen: dict[str, Any] = {"kind": "", "streams": False, "step": "load", "finished": False, "seen": []}
        self.called: set[tuple[str, str]] = set()
        self.lock = threading.Lock()
        self.write()

    def asked(self, url: str, body: Any) -> None:
        """Write down what of Databricks is asked, once."""
        found = calls.resource(url, body)
        with self.lock:
            if found is None or found in self.called or len(self.called) >= MOST_CALLED:
                return
            self.called.add(found)
        self.write(called=sorted(self.called))

    def write(self, **facts: Any) -> None:
        self.seen |= facts
        self.file.write_text(json.dumps(self.seen), "utf-8")

    def add(self, code: str, line: int | None = None, **values: str) -> None:
        told = {name: str(value)[:LONGEST] for name, value in values.items()}
        self.seen["seen"].append({"code": code, "line": line, "values": told})
        self.write()


class attempt:
    """Foreign code may raise anything, also leave with SystemExit: it is kept, not raised.

    `begins` is called before each attempt: the time limit counts for every question anew.
    """

    begins: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, file: str) -> None:
        self.file = file
        self.error: BaseException | None = None

    def __enter__(self) -> "attempt":
        attempt.begins()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return error is not None and not isinstance(error, KeyboardInterrupt)

    @property
    def cause(self) -> BaseException | None:
        """What the file itself raised; MLflow wraps it."""
        error = self.error
        while error is not None and type(error).__name__ == "MlflowException" and error.__cause__ is not None:
            error = error.__cause__
        return error

    @property
    def line(self) -> int | None:
        """The last line of the agent's file that was at work."""
        frames = traceback.extract_tb(self.cause.__traceback__) if self.cause else []
        lines = [frame.lineno for frame in frames if self._of_the_agent(frame.filename)]
        return lines[-1] if lines else None

    def _of_the_agent(self, name: str) -> bool:
        """Whether this is the agent's file, also where MLflow saved a copy of it."""
        place, file = Path(name), Path(self.file)
        return place.name == file.name and place.is_relative_to(file.parent)

    @property
    def reason(self) -> str:
        cause = self.cause
        lines = str(cause).strip().splitlines()
        return f"{type(cause).__name__}: {lines[0]}" if lines else type(cause).__name__

    @property
    def by_model(self) -> bool:
        return _framework(self.cause) == "openai"

    @property
    def unread_by_framework(self) -> bool:
        """Whether DSPy could not read what the model answered: the model, not the file, left out the form asked for.

        DSPy asks again as JSON then, which a model may refuse: what it could not read is what that error followed.
        """
        error = self.cause
        if error is None or _framework(error) != "dspy":
            return False
        while error is not None:
            if (_framework(error), type(error).__name__) == ("dspy", "AdapterParseError"):
                return True
            error = error.__cause__ or error.__context__
        return False

    @property
    def without_workspace(self) -> bool:
        """Whether Databricks' SDK found nothing to sign in with."""
        frames = list(traceback.walk_tb(self.cause.__traceback__)) if isinstance(self.cause, ValueError) else []
        return bool(frames) and frames[-1][0].f_globals.get("__name__") == "databricks.sdk.config"

    @property
    def outside(self) -> str:
        """What did not answer, where neither the file nor its form is to blame: `model`, `model_form`, `no_workspace` or nothing."""
        if self.without_workspace:
            return "no_workspace"
        if self.unread_by_framework:
            return "model_form"
        return "model" if self.by_model else ""


def _framework(error: BaseException | None) -> str:
    """The package that an error is of."""
    return type(error).__module__.partition(".")[0]


class Mismatch(Exception):
    """The answer is not what the kind of agent promises."""

    def __init__(self, expected: str, reason: str) -> None:
        super().__init__(reason)
        self.expected = expected


class UnknownForm(Exception):
    """None of the usual forms of a question was taken."""
