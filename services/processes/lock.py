"""Who owns a role of the data folder (web, worker, gateway): a file lock that any death releases."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROBES = 5


class Lock:
    """An exclusive lock on `path`; the file also tells others who holds it, where, and what went wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, blocking: bool = False) -> bool:
        """Take the lock and write our pid; False when another process has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _take(descriptor, blocking):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        self.tell()
        return True

    def tell(self, *, url: str | None = None, error: str | None = None) -> None:
        """Replace what `read` returns; only the holder may call it."""
        if self._descriptor is None:
            raise RuntimeError(f"{self.path} is not locked by this process")
        written = json.dumps({"pid": os.getpid(), "url": url, "error": error}).encode()
        os.pwrite(self._descriptor, written, 0)
        os.ftruncate(self._descriptor, len(written))

    def release(self) -> None:
        """Give the lock back; what was told stays readable."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it: the web process and the worker go one after the other."""
    lock = Lock(path)
    lock.acquire(blocking=True)
    try:
        yield
    finally:
        lock.release()


def held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read(path: Path) -> dict[str, Any]:
    """What the last holder told: pid, url, error; empty when there never was one."""
    try:
        told = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _take(descriptor: int, blocking: bool) -> bool:
    """Another process's `held` takes the lock for a moment, so one refusal is not yet an answer."""
    if blocking:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    for _ in range(PROBES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False
