"""The worker: claims jobs, runs each in a forked child with MLflow preloaded, keeps the gateway up."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from types import FrameType

from sqlalchemy import Engine

from services import audit, database, jobs, settings
from services.errors import ConsoleError, PlatformError
from services.jobs import Job
from services.messages import Message
from services.processes import heart, logs
from services.processes.child import INTERRUPTED, run
from services.processes.lock import Lock, held, read
from services.settings import Settings

log = logging.getLogger("signalbox.worker")

AT_ONCE = 3
# Children that follow work on the platform cost this machine next to nothing, but memory.
MOST_CHILDREN = 10
PAUSE = 0.2
PAUSE_IN_TROUBLE = 2.0
SECONDS_FOR_GATEWAY = 5.0
SECONDS_BETWEEN_LOOKS = 60
CONTEXT = multiprocessing.get_context("forkserver")


@dataclass
class Running:
    """A job and the child that does it; closing `lifeline` (also by our death) ends the child."""

    job: Job
    child: ForkServerProcess
    lifeline: Connection
    extended: float


class Worker:
    """One per data folder, for as long as it holds the lock."""

    def __init__(self, config: Settings) -> None:
        self.settings = config
        self.engine: Engine = database.connect(config.database_url)
        self.alone = database.Alone(self.engine)
        self.running: list[Running] = []
        self.gateway: subprocess.Popen[bytes] | None = None
        self.gateway_started = 0.0
        self.ticked = 0.0
        self.trouble = ""
        # Not an Event: a signal that arrives while this thread is inside `wait` would lock itself out in `set`.
        self.stopping = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM: end as soon as the current look is done."""
        self.stopping = True

    def serve(self) -> None:
        if not self.alone.held():
            log.error("another console works on the database that SIGNALBOX_DATABASE_URL names")
            return
        heart.beat(self.settings)
        jobs.requeue_all(self.engine)
        audit.reconcile(self.engine)
        self._await_gateway()
        while not self.stopping:
            try:
                self._keep_gateway()
                self.work()
                self._tick()
                self.trouble = ""
                time.sleep(PAUSE)
            except PlatformError as error:
                self._wait_out(error)
        self._stop()

    def _wait_out(self, error: PlatformError) -> None:
        """A database that is full or away comes back; until then the children go on as far as they can."""
        if str(error) != self.trouble:
            log.error("%s", error)
        self.trouble = str(error)
        time.sleep(PAUSE_IN_TROUBLE)

    def work(self) -> None:
        """Settle what ended and start what is due."""
        self._collect()
        self._start_due()

    def _keep_gateway(self) -> None:
        """Restart a dead gateway, but not more than once in two seconds (a busy port stays busy for a while)."""
        if self.settings.databricks is not None:  # a workspace serves its agents itself
            return
        if self.gateway is not None and self.gateway.poll() is None:
            return
        if time.monotonic() - self.gateway_started < 2 or held(self.settings.run_folder / "gateway.lock"):
            return
        self.gateway_started = time.monotonic()
        command = [sys.executable, "-m", "services.processes.gateway", str(os.getpid())]
        self.gateway = subprocess.Popen(command, start_new_session=True)

    def _await_gateway(self) -> None:
        """Jobs may ask the practice model, which the gateway serves; one that cannot start must not hold them up."""
        end = time.monotonic() + (0 if self.settings.databricks else SECONDS_FOR_GATEWAY)
        while not (self.stopping or held(self.settings.run_folder / "gateway.lock")) and time.monotonic() < end:
            self._keep_gateway()
            time.sleep(PAUSE)

    def _start_due(self) -> None:
        # One more place than AT_ONCE is kept for releases: a rollback does not wait behind evaluations.
        while (busy := self._busy()) <= AT_ONCE and len(self.running) < MOST_CHILDREN:
            mine = [one.job.id for one in self.running]
            job = jobs.claim(self.engine, mine, only_releases=busy == AT_ONCE)
            if job is None:
                return
            ours, theirs = CONTEXT.Pipe()
            child = CONTEXT.Process(
                target=run, args=(self.settings, job, jobs.HANDLERS[job.kind], theirs), name=f"job-{job.id}"
            )
            child.start()
            theirs.close()
            self.running.append(Running(job, child, ours, time.monotonic()))

    def _busy(self) -> int:
        return sum(not one.job.elsewhere for one in self.running)

    def _collect(self) -> None:
        for one in list(self.running):
            if one.child.is_alive():
                self._extend(one)
                continue
            self._settle(one.job, one.child.exitcode or 0)
            self.running.remove(one)
            one.lifeline.close()

    def _extend(self, one: Running) -> None:
        if time.monotonic() - one.extended > jobs.LEASE.total_seconds() / 4:
            one.extended = time.monotonic()
            jobs.extend(self.engine, one.job)

    def _settle(self, job: Job, code: int) -> None:
        """A child that was killed is tried again; one that ended by a bug fails with a plain sentence."""
        if code == 0:
            return
        log.error("job %s (%s) ended with code %s", job.id, job.kind, code)
        if code < 0 or code == INTERRUPTED:
            jobs.requeue(self.engine, job)
            return
        message = Message("It stopped because of a defect in the console or in the agent's code.")
        remedy = Message("Show the worker's log (logs/worker.log) to an engineer.")
        jobs.fail(self.engine, job, ConsoleError(message, remedy))

    def _tick(self) -> None:
        if time.monotonic() - self.ticked < 1:
            return
        self.ticked = time.monotonic()
        if not self.alone.held():  # the server let us go, and another console was faster
            log.error("another console has taken over the database that SIGNALBOX_DATABASE_URL names")
            self.stopping = True
            return
        heart.beat(self.settings)
        if held_up := jobs.put_right(self.engine):
            log.warning("the clock was put back: %s jobs that waited for it start now", held_up)
        jobs.ensure(self.engine, "tend_prompts", SECONDS_BETWEEN_LOOKS)
        jobs.ensure(self.engine, "read_traces", SECONDS_BETWEEN_LOOKS)
        jobs.ensure(self.engine, "watch_alerts", SECONDS_BETWEEN_LOOKS, having="alert_rules")
        for app_id in jobs.asked_since_scored(self.engine):
            jobs.nudge(self.engine, "score_live", app_id)

    def _stop(self) -> None:
        """A clean stop: children end, their jobs are given back, the gateway drains its versions."""
        for one in self.running:
            one.child.kill()
            one.child.join()
            jobs.requeue(self.engine, one.job, clean=True)
        self.alone.release()
        self._end_gateway()

    def _end_gateway(self) -> None:
        """The one that holds the lock, which an earlier worker may have started, and our own that has not got it yet."""
        lock = self.settings.run_folder / "gateway.lock"
        holder = read(lock).get("pid") if held(lock) else None
        ours = self.gateway.pid if self.gateway is not None and self.gateway.poll() is None else None
        for pid in {holder, ours}:
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)


def main() -> int:
    config = settings.load(os.environ)
    logs.start(config.log_format)
    worker = Worker(config)
    # Before the lock: who reads our pid there may stop us at once, and that has to be a clean stop too.
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    lock = Lock(config.run_folder / "worker.lock")
    if not lock.acquire():
        log.info("another worker owns %s", config.home)
        return 0
    CONTEXT.set_forkserver_preload(["services.processes.preload"])
    worker.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
