"""A version's keeper goes on whatever keeps the version from starting."""

import asyncio

import pytest

from services.errors import PlatformError
from services.messages import Message
from services.processes.gateway import supervisor
from services.processes.gateway.child import Wanted
from services.processes.gateway.supervisor import Keeper, Supervisor
from services.settings import Settings


def test_a_process_that_cannot_be_started_is_tried_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, str | None]] = []
    tries: list[int] = []

    async def refuse(*_: object) -> None:
        tries.append(len(tries))
        raise OSError("Too many open files")

    def write(_: object, id: int, **values: str | None) -> None:
        if "state" in values:
            written.append((str(values["state"]), values.get("error")))

    async def keep() -> None:
        keeper = Keeper(Supervisor(settings, None, None), Wanted(1, "a", "a", 1, "m-1", "7", 0, 1, 0, {}, {}))  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            while len(tries) < 2:
                await asyncio.sleep(0.05)
        await keeper.stop()

    monkeypatch.setattr(supervisor, "start", refuse)
    monkeypatch.setattr(supervisor.records, "write", write)
    asyncio.run(keep())

    assert ("failed", "It could not be started: Too many open files") in written
    assert written[-1] == ("stopped", None)


def test_what_a_full_database_refused_is_told_later(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, str | None]] = []

    def write(_: object, id: int, **values: str | None) -> None:
        if not written:
            written.append({})
            raise PlatformError(Message("The console's database failed: {reason}.", reason="full"))
        written.append(values)

    async def refuse(*_: object) -> None:
        await asyncio.sleep(60)

    async def keep() -> None:
        keeper = Keeper(Supervisor(settings, None, None), Wanted(1, "a", "a", 1, "m-1", "7", 0, 1, 0, {}, {}))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await keeper._write(pid="7")
        keeper.task.cancel()

    monkeypatch.setattr(supervisor, "start", refuse)
    monkeypatch.setattr(supervisor.records, "write", write)
    asyncio.run(keep())

    assert written == [{}, {"state": "starting", "error": None, "pid": "7"}]
