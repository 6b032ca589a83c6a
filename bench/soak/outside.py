"""What lies around a console: a model that may be slow or fail, and a receiver of webhooks that may refuse."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services import delivery
from services.processes import practice
from tests.conftest import free_port

SECRET = "the soak's own secret of its webhooks"
MODEL, HOOK = "/practice/v1", "/hook"
WELL, SLOW, FAILING = "well", "slow", "failing"
SECONDS_SLOW = 2.0


class Outside:
    """`model` and `receiver` are WELL, SLOW or FAILING; `taken` counts what was received by its id, `told` by rule and state."""

    def __init__(self) -> None:
        self.model = self.receiver = WELL
        self.taken: Counter[str] = Counter()
        self.told: Counter[tuple[str, str]] = Counter()
        self.forged = 0
        self.url = ""

    async def hook(self, request: Request) -> Response:
        body = (await request.body()).decode()
        id, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        if self.receiver == SLOW:
            await asyncio.sleep(SECONDS_SLOW)
        if self.receiver == FAILING:
            return Response(status_code=503)
        if request.headers["webhook-signature"] != delivery.signature(SECRET, id, at, body):
            self.forged += 1
        letter = json.loads(body)
        self.taken[letter["id"]] += 1
        self.told[letter.get("rule", ""), letter.get("state", "")] += 1
        return Response(status_code=204)

    def moody(self, answer: Any) -> Any:
        async def said(request: Request) -> Response:
            if self.model == FAILING:
                return JSONResponse({"error": {"message": "out of order", "type": "server_error"}}, 500)
            if self.model == SLOW:
                await asyncio.sleep(SECONDS_SLOW)
            told: Response = await answer(request)
            return told

        return said


@contextmanager
def outside() -> Iterator[Outside]:
    """Both on one server of this process, which no trouble reaches."""
    there = Outside()
    model = [
        Route(one.path, there.moody(one.endpoint), methods=list(one.methods or ["GET"])) for one in practice.routes()
    ]
    routes = [*model, Route(HOOK, there.hook, methods=["POST"])]
    port = free_port()
    config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.02)
    there.url = f"http://127.0.0.1:{port}"
    yield there
    server.should_exit = True
