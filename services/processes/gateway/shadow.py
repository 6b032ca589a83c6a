"""Copies of live questions for a version that answers nobody: they never hold up or break an answer that somebody gets."""

import asyncio
import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from services.processes.gateway.routing import Target
from services.processes.gateway.supervisor import Supervisor
from services.processes.web import PAIR

MOST_WAITING, AT_ONCE = 50, 2
# Beyond it the queue would cost much memory.
LARGEST = 100_000


@dataclass(frozen=True)
class Copy:
    """A question on its way to the shadow; `pair` stands in the traces of both answers to it."""

    endpoint: str
    row: int
    body: Mapping[str, Any]
    pair: str


class Shadow:
    """A bounded queue and the few who empty it; what it cannot take is counted and forgotten."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.waiting: asyncio.Queue[Copy] = asyncio.Queue(MOST_WAITING)
        self.tasks = [asyncio.create_task(self._empty()) for _ in range(AT_ONCE)]

    def offer(self, endpoint: str, body: Mapping[str, Any], size: int) -> str:
        """Have a live question of `size` bytes copied, by its share; what both answers are marked with, empty when not."""
        target = self._target(endpoint)
        if target is None or not copyable(body) or random.random() * 100 >= target.shadow:
            return ""
        if size > LARGEST or self.waiting.full():
            self.supervisor.dropped[target.row] += 1
            return ""
        copy = Copy(endpoint, target.row, body, uuid.uuid4().hex)
        self.waiting.put_nowait(copy)
        self.supervisor.copied[target.row] += 1
        return copy.pair

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _empty(self) -> None:
        while True:
            copy = await self.waiting.get()
            target = self._target(copy.endpoint)
            # It may have ended since, or another version stands there.
            if target is not None and target.row == copy.row:
                await self._ask(target, copy)

    def _target(self, endpoint: str) -> Target | None:
        ready = self.supervisor.targets(endpoint)
        return next((one for one in ready if one.shadow and not one.weight), None)

    async def _ask(self, target: Target, copy: Copy) -> None:
        """As it was asked, streamed or not. How it went stands in its trace; one without a trace is missing in the count."""
        given = {**(copy.body.get("custom_inputs") or {}), "signalbox_origin": "shadow"}
        body = json.dumps({**copy.body, "custom_inputs": given})
        headers = {"content-type": "application/json", PAIR: copy.pair}
        try:
            with self.supervisor.asking(target):
                call = self.supervisor.session.post(f"{target.url}/invocations", data=body, headers=headers)
                async with call as answer:
                    async for _ in answer.content.iter_any():
                        pass
        except (aiohttp.ClientError, TimeoutError):
            return


def copyable(body: Mapping[str, Any]) -> bool:
    """Whether it is a question of production's own; a person's yes to a tool is for the version that asked for it."""
    given, said = body.get("custom_inputs") or {}, body.get("input")
    if not isinstance(given, dict) or given.get("signalbox_origin", "live") != "live":
        return False
    items = said if isinstance(said, list) else []
    return not any(isinstance(one, dict) and one.get("type") == "mcp_approval_response" for one in items)
