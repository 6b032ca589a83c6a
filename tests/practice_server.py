"""The practice model on the gateway's port, for tests that need a model but no gateway."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from services.processes import practice


@contextmanager
def practice_server(port: int) -> Iterator[None]:
    config = uvicorn.Config(Starlette(routes=practice.routes()), host="127.0.0.1", port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield
    server.should_exit = True
    thread.join(5)
