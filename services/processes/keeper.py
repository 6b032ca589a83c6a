"""Keeps one worker running for as long as the web server does."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from services.errors import ConsoleError
from services.processes import heart
from services.processes.lock import held, read
from services.settings import Settings

log = logging.getLogger("signalbox.web")

ROOT = Path(__file__).parent.parent.parent
LARGEST_LOG = 20_000_000
LOOK_EVERY = 1.0
LONGEST_PAUSE = 30.0
SECONDS_TO_STOP = 10.0


class Keeper(threading.Thread):
    """Prepares the stores, starts the worker, then restarts it whenever its lock is free.

    `prepare` is tried again while it raises ConsoleError (a tracking server may come up later); `warm` runs once after it.
    """

    def __init__(self, settings: Settings, prepare: Callable[[], object], warm: Callable[[], None]) -> None:
        super().__init__(name="keeper", daemon=True)
        self.settings = settings
        self.prepare = prepare
        self.warm = warm
        self.lock = settings.run_folder / "worker.lock"
        self.prepared = threading.Event()
        self.stopping = threading.Event()
        self.worker: subprocess.Popen[bytes] | None = None
        self.pause = LOOK_EVERY
        self.obstacle = ""

    @property
    def ready(self) -> bool:
        return self.prepared.is_set() and held(self.lock) and not heart.stopped(self.settings)

    def run(self) -> None:
        while not self._prepare():
            if self.stopping.wait(LOOK_EVERY):
                return
        self._look()
        self.warm()
        while not self.stopping.wait(self.pause):
            self._look()

    def stop(self) -> None:
        """Stop the worker, also one that an earlier server left; it gives its jobs back and stops the gateway."""
        self.stopping.set()
        if self.is_alive():
            self.join(LOOK_EVERY)
        if not held(self.lock):
            return
        with suppress(ProcessLookupError, KeyError):
            os.kill(read(self.lock)["pid"], signal.SIGTERM)
        _wait(lambda: not held(self.lock), SECONDS_TO_STOP)

    def _prepare(self) -> bool:
        try:
            self.prepare()
        except ConsoleError as error:
            self._tell(str(error))
            return False
        self.prepared.set()
        return True

    def _tell(self, obstacle: str) -> None:
        """Log what keeps the stores from opening, once for as long as it stays the same."""
        if obstacle != self.obstacle:
            log.error("not ready: %s", obstacle)
        self.obstacle = obstacle

    def _look(self) -> None:
        """Start a worker when there is none; one that ends at once is tried more and more rarely."""
        if held(self.lock):
            self.pause = LOOK_EVERY
            return
        if self.worker is not None:
            log.error("the worker ended with code %s; starting another", self.worker.poll())
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
            self.worker = None
        try:
            self.worker = self._start()
        except OSError as error:
            log.error("the worker could not be started: %s; trying again later", error)
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
            return
        _wait(lambda: held(self.lock) or self.worker_ended or self.stopping.is_set(), SECONDS_TO_STOP)

    @property
    def worker_ended(self) -> bool:
        return self.worker is not None and self.worker.poll() is not None

    def _start(self) -> "subprocess.Popen[bytes]":
        if self.settings.inside_app:  # what is printed is kept there, and no file is
            return _worker(None)
        with _log_file(self.settings).open("ab") as output:
            return _worker(output)


def _worker(output: IO[bytes] | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "services.processes.worker"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=ROOT,
    )


def _log_file(settings: Settings) -> Path:
    """The worker's log; one that grew large is put aside, once."""
    settings.log_folder.mkdir(parents=True, exist_ok=True)
    file = settings.log_folder / "worker.log"
    if file.exists() and file.stat().st_size > LARGEST_LOG:
        file.replace(file.with_suffix(".old.log"))
    return file


def _wait(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
