"""Makes the running version processes what the rows want, and keeps them running."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import aiohttp
from sqlalchemy import Engine

from services.database import now
from services.errors import PlatformError
from services.processes.gateway import records
from services.processes.gateway.child import TO_STOP, Child, Wanted, start
from services.processes.gateway.routing import Target
from services.settings import Settings

log = logging.getLogger("signalbox.gateway")

PAUSE = 0.3
HEALTH_EVERY = 5.0
STEADY = 30.0
LONGEST_PAUSE = 60.0


class Keeper:
    """Keeps one version running until it is told to stop; a crash is followed by a longer and longer pause."""

    def __init__(self, supervisor: "Supervisor", wanted: Wanted) -> None:
        self.supervisor = supervisor
        self.wanted = wanted
        self.child: Child | None = None
        self.failures = 0
        self.untold: dict[str, Any] = {}
        self.telling = asyncio.Lock()
        self.wake = asyncio.Event()
        self.stopping = False
        self.task = asyncio.create_task(self._keep())

    def update(self, wanted: Wanted) -> None:
        """Take over new weights; a version that waits after a failure is tried at once when its row was touched."""
        if wanted.revision != self.wanted.revision:
            self.wake.set()
        self.wanted = wanted

    async def stop(self) -> None:
        """Drain, stop and say so."""
        self.stopping = True
        self.wake.set()
        if self.child is not None:
            await self.child.stop()
        await self.task
        await self._write(state="stopped", pid=None, port=None)

    async def _keep(self) -> None:
        await self._write(state="starting", error=None)
        while not self.stopping:
            try:
                self.child = await start(self.supervisor.settings, self.wanted)
            except OSError as error:
                self.failures += 1
                await self._wait("failed", f"It could not be started: {error}")
                continue
            await self._write(pid=self.child.process.pid, port=self.child.port)
            if self.stopping:
                return await self.child.stop()
            ready = await self.child.become_ready(self.supervisor.session)
            if ready:
                await self._ready(self.child)
                await self._watch(self.child)
            if not self.stopping:
                await self._failed(self.child, ready)

    async def _ready(self, child: Child) -> None:
        seconds = round(time.monotonic() - child.began, 2)
        log.info("%s version %s is ready after %s s", self.wanted.endpoint, self.wanted.version, seconds)
        await self._write(state="ready", error=None, ready_at=now(), seconds_to_ready=seconds)

    async def _watch(self, child: Child) -> None:
        """Return when the process ended; one that stays silent three times is ended."""
        silent = 0
        while silent < 3:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.process.wait(), HEALTH_EVERY)
                return
            silent = 0 if await child.healthy(self.supervisor.session) else silent + 1
        log.error("%s version %s does not answer and is ended", self.wanted.endpoint, self.wanted.version)

    async def _failed(self, child: Child, was_ready: bool) -> None:
        """A version that was ready is starting again; one that was not has failed, until a later try succeeds."""
        child.ready = False
        if child.process.returncode is None:
            child.process.kill()
            await child.process.wait()
        reason = await child.reason()
        self.failures = 1 if time.monotonic() - child.began > STEADY else self.failures + 1
        await self._wait("starting" if was_ready and self.failures < 3 else "failed", reason)

    async def _wait(self, state: str, reason: str) -> None:
        """Say what happened, then pause before the next try, longer after each failure."""
        log.error("%s version %s: %s", self.wanted.endpoint, self.wanted.version, reason)
        await self._write(state=state, error=reason, pid=None, port=None)
        self.wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), min(0.5 * 2 ** min(self.failures, 10), LONGEST_PAUSE))

    async def _write(self, **values: Any) -> None:
        self.untold |= values
        await self.tell()

    async def tell(self) -> None:
        """Write what the database does not know yet; what it cannot take now is told at the next look."""
        async with self.telling:
            told, self.untold = self.untold, {}
            if not told:
                return
            writing = asyncio.to_thread(records.write, self.supervisor.engine, self.wanted.id, **told)
            if not await self.supervisor.stored(writing):
                self.untold = told | self.untold


class Supervisor:
    """All keepers, and the targets that may be asked now."""

    def __init__(self, settings: Settings, engine: Engine, session: aiohttp.ClientSession) -> None:
        self.settings = settings
        self.engine = engine
        self.session = session
        self.keepers: dict[int, Keeper] = {}
        self.asked: dict[int, datetime] = {}
        self.copied: Counter[int] = Counter()
        self.dropped: Counter[int] = Counter()
        self.closed: dict[str, str] = {}
        self.endings: set[asyncio.Task[None]] = set()
        self.busy = asyncio.Lock()
        self.trouble = ""

    async def run(self) -> None:
        """Reconcile until cancelled."""
        while not await self.stored(self._settle_leftovers()):
            await asyncio.sleep(PAUSE)
        while True:
            await self.reconcile()
            await asyncio.sleep(PAUSE)

    async def reconcile(self) -> None:
        """Start what is missing, stop what is not wanted, note who was asked and what was copied."""
        async with self.busy:
            await self.stored(self._reconcile())

    async def stop(self) -> None:
        """Drain and stop every version."""
        await asyncio.gather(*(keeper.stop() for keeper in self.keepers.values()), *self.endings)
        await self.stored(self._note_asked())

    def targets(self, endpoint: str) -> list[Target]:
        """The ready versions of an endpoint."""
        return [
            Target(
                keeper.wanted.id, keeper.wanted.version, keeper.wanted.weight, keeper.child.url, keeper.wanted.shadow
            )
            for keeper in self.keepers.values()
            if keeper.wanted.endpoint == endpoint and keeper.child and keeper.child.ready and not keeper.child.draining
        ]

    def knows(self, endpoint: str) -> bool:
        return any(keeper.wanted.endpoint == endpoint for keeper in self.keepers.values())

    @contextlib.contextmanager
    def asking(self, target: Target) -> Any:
        """Count a request, so that a version that is stopped first answers it."""
        self.asked[target.row] = now()
        child = self.keepers[target.row].child
        assert child is not None
        child.asked += 1
        try:
            yield
        finally:
            child.asked -= 1

    async def stored(self, work: Awaitable[None]) -> bool:
        """Whether the database took it; one that is full, busy or away is tried again a moment later."""
        try:
            await work
        except PlatformError as error:
            if str(error) != self.trouble:
                log.error("%s", error)
            self.trouble = str(error)
            return False
        self.trouble = ""
        return True

    async def _settle_leftovers(self) -> None:
        stale = await asyncio.to_thread(records.settle_leftovers, self.engine)
        self._later(_end_stale(stale))

    async def _reconcile(self) -> None:
        self.closed = await asyncio.to_thread(records.closed, self.engine)
        wanted = await asyncio.to_thread(records.wanted, self.engine)
        for id, keeper in list(self.keepers.items()):
            if id not in wanted or wanted[id].recipe != keeper.wanted.recipe:
                self._later(self._end(id))
        for id, row in wanted.items():
            if id in self.keepers and not self.keepers[id].stopping:
                self.keepers[id].update(row)
            elif id not in self.keepers:
                self.keepers[id] = Keeper(self, row)
        for keeper in list(self.keepers.values()):
            await keeper.tell()
        await self._note_asked()

    async def _end(self, id: int) -> None:
        keeper = self.keepers[id]
        if not keeper.stopping:
            await keeper.stop()
            del self.keepers[id]

    async def _note_asked(self) -> None:
        asked, self.asked = self.asked, {}
        if asked:
            await asyncio.to_thread(records.write_asked, self.engine, asked)
        copied, self.copied, dropped, self.dropped = self.copied, Counter(), self.dropped, Counter()
        if copied or dropped:
            try:
                await asyncio.to_thread(records.write_copies, self.engine, copied, dropped)
            except PlatformError:
                self.copied += copied
                self.dropped += dropped
                raise

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.endings.add(task)
        task.add_done_callback(self.endings.discard)


async def _end_stale(pids: list[int]) -> None:
    """Processes of a gateway that was killed end by themselves; the ones that do not are killed."""
    if pids:
        await asyncio.sleep(TO_STOP)
    for pid in pids:
        if await asyncio.to_thread(records.is_version, pid):
            os.kill(pid, signal.SIGKILL)
