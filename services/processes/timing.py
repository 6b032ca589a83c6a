"""How the web server answers: counted by class of status and by time, and nothing about whom."""

import threading
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BOUNDS = (0.01, 0.05, 0.25, 1.0, 5.0)


class Counts:
    """Answers of this process so far."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, status: int, seconds: float) -> None:
        with self._lock:
            name = f"{status // 100}xx"
            self.statuses[name] = self.statuses.get(name, 0) + 1
            self.buckets[sum(seconds > bound for bound in BOUNDS)] += 1
            self.seconds += seconds


COUNTS = Counts()


class Timing:
    """Counts every HTTP answer from the request to its first byte."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                COUNTS.add(message["status"], time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, counted)
