"""One thread with an event loop for everything that the playground asks; it calls models, never MLflow."""

import asyncio
import functools
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


def submit(work: Coroutine[Any, Any, Result]) -> "Future[Result]":
    """Begin `work`; cancelling the future closes its connection at once, also before the first byte."""
    return asyncio.run_coroutine_threadsafe(work, _loop())


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="playground", daemon=True).start()
    return loop
