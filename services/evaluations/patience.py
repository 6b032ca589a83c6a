"""Waiting instead of failing: a limit of requests per minute, and a server that says “too many requests” (429)."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal

import httpx2
import openai
import requests
from mlflow.genai.judges.adapters import gateway_adapter
from mlflow.genai.judges.adapters.utils import ChatCompletionError, _safe_parse_error, is_context_window_error

from services.errors import PlatformError

MOST_WAITS = 6
LONGEST_WAIT, FIRST_WAIT = 60.0, 1.0
LOOK = 0.5
JUDGE_SECONDS = 60
# A judge's call may take its own time and then wait as often as it is told to.
SECONDS_FOR_JUDGE = JUDGE_SECONDS * 2 + int(MOST_WAITS * LONGEST_WAIT)
BUSY = 429


@dataclass
class Patience:
    """Counts the waits of all threads; `look` is called while waiting and may stop the work."""

    per_minute: int | None = None
    look: Callable[[], None] = lambda: None
    waits: int = 0
    waited: float = 0.0
    _due: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pace(self) -> None:
        """Wait for this request's turn; the first ones need not."""
        if not self.per_minute:
            return
        with self._lock:
            turn = max(self._due, time.monotonic())
            self._due = turn + 60 / self.per_minute
        self._sleep(turn - time.monotonic())

    def attempts(self, begun_again: Callable[[], None] = lambda: None) -> "Iterator[Attempt]":
        """Use each in a `with`: it swallows a “too many requests” and waits, until the last one lets it through."""
        for number in range(MOST_WAITS + 1):
            attempt = Attempt(self, number, begun_again)
            self.pace()
            yield attempt

    def wait(self, number: int, told: float | None) -> None:
        """As long as the server said, or twice as long each time; bounded."""
        seconds = min(FIRST_WAIT * 2**number if told is None else told, LONGEST_WAIT)
        with self._lock:
            self.waits += 1
            self.waited += seconds
        self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if seconds > LOOK:
                self.look()
            time.sleep(min(left, LOOK))


@dataclass
class Attempt(AbstractContextManager[None, bool]):
    patience: Patience
    number: int
    begun_again: Callable[[], None]

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None or self.number >= MOST_WAITS or not busy(error):
            return False
        self.begun_again()
        self.patience.wait(self.number, retry_after(error))
        return True


def busy(error: BaseException) -> bool:
    """Whether a server said “too many requests”, however deep in the chain of errors."""
    return any(_status(one) == BUSY for one in _chain(error))


def retry_after(error: BaseException) -> float | None:
    """The seconds that the server asked to wait."""
    told = [_headers(one).get("retry-after") for one in _chain(error)]
    return next((seconds for seconds in map(_seconds, told) if seconds is not None), None)


@contextmanager
def patient_judges(patience: Patience) -> Iterator[None]:
    """Let MLflow's judges send their requests here: MLflow itself tries ten times per row, deaf to Retry-After, and
    three minutes long when nobody listens. For a process of its own: the function is replaced for all threads."""
    theirs = gateway_adapter.send_chat_request

    def send(endpoint: str, headers: dict[str, str], payload: dict[str, Any], num_retries: int) -> dict[str, Any]:
        for attempt in patience.attempts():
            with attempt:
                return _post(endpoint, headers, payload)
        raise AssertionError("the last attempt returns or raises")

    gateway_adapter.send_chat_request = send
    try:
        yield
    finally:
        gateway_adapter.send_chat_request = theirs


def _post(endpoint: str, headers: dict[str, str], payload: dict[str, Any]) -> dict[str, Any]:
    """One request of a judge, with the errors that MLflow's judges expect."""
    answer = requests.post(endpoint, headers=headers, json=payload, timeout=JUDGE_SECONDS)
    if answer.ok:
        return dict(answer.json())
    said = _safe_parse_error(answer)
    error = ChatCompletionError(answer.status_code, said or f"{answer.status_code}", is_context_window_error(said))
    raise error from requests.HTTPError(response=answer)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _status(error: BaseException) -> int | Literal[0]:
    if isinstance(error, (openai.APIStatusError, ChatCompletionError)):
        return error.status_code
    if isinstance(error, PlatformError):
        return int(dict(error.message.values).get("status") or 0)
    if isinstance(error, (httpx2.HTTPStatusError, requests.HTTPError)) and error.response is not None:
        return int(error.response.status_code)
    return 0


def _headers(error: BaseException) -> dict[str, str]:
    if isinstance(error, (openai.APIStatusError, httpx2.HTTPStatusError)):
        return {name.lower(): value for name, value in error.response.headers.items()}
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return {name.lower(): value for name, value in error.response.headers.items()}
    return {}


def _seconds(told: str | None) -> float | None:
    """Servers may also send a date, which is then read as “not said”."""
    try:
        return max(0.0, float(told)) if told is not None else None
    except ValueError:
        return None
