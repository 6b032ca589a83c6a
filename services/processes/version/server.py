"""HTTP around a served agent: every request and every stream is owned by one thread."""

import asyncio
import contextvars
import json
import threading
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import mlflow
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services.jsons import sound
from services.processes.version.agent import ServedAgent, failure
from services.processes.web import PAIR, Refused, broken_off, error_body, read_json, refusal

AT_ONCE = 64
Event = dict[str, Any] | None


def application(agent: ServedAgent) -> Starlette:
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="agent")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        # By now every request is answered; traces are exported in the background, so wait for those too.
        threads.shutdown(wait=True)
        mlflow.flush_trace_async_logging(terminate=True)

    async def invocations(request: Request) -> Response:
        _, body = await read_json(request)
        pair = request.headers.get(PAIR, "")
        if body.get("stream"):
            return StreamingResponse(_lines(threads, agent, body, pair), media_type="text/event-stream")
        return await _answered(threads, agent, body, pair)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ready"})

    routes = [
        Route("/invocations", invocations, methods=["POST"]),
        Route("/responses", invocations, methods=["POST"]),
        Route("/health", health),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={Refused: refusal})


async def _answered(threads: ThreadPoolExecutor, agent: ServedAgent, body: dict[str, Any], pair: str) -> Response:
    work = _submit(threads, agent.answer, body, pair)
    await asyncio.wait([asyncio.wrap_future(work)])
    error = work.exception()
    if error is None:
        try:
            return Response(_written(work.result(), allow_nan=False), media_type="application/json")
        except (TypeError, ValueError, RecursionError) as unwritten:
            error = unwritten
    status, message = failure(error)
    return JSONResponse(error_body(status, message), status_code=status)


async def _lines(
    threads: ThreadPoolExecutor, agent: ServedAgent, body: dict[str, Any], pair: str
) -> AsyncIterator[str]:
    """Server-sent events; an error is the last event, because the status was sent long before."""
    events: asyncio.Queue[Event] = asyncio.Queue()
    loop, gone = asyncio.get_running_loop(), threading.Event()

    def pass_on(event: Event) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    work = _submit(threads, _iterate, agent.stream(body, pair), pass_on, gone)
    work.add_done_callback(lambda done: pass_on(None))
    trace_id: str | None = None
    try:
        while (event := await events.get()) is not None:
            trace_id = event.get("trace_id") or trace_id
            yield _line(event)
    finally:
        gone.set()
    error = work.exception()
    if error is not None:
        status, message = failure(error)
        yield _line(broken_off(status, message, trace_id))
    yield "data: [DONE]\n\n"


def _iterate(
    stream: Generator[dict[str, Any], None, None], pass_on: Callable[[Event], None], gone: threading.Event
) -> None:
    """Run the whole stream here; a caller that hung up closes the generator at its next event."""
    for event in stream:
        if gone.is_set():
            stream.close()
            return
        pass_on(event)


def _submit(threads: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Run in a context of its own, so that nothing a request leaves behind in one reaches the next."""
    return threads.submit(contextvars.copy_context().run, function, *arguments)


def _line(event: dict[str, Any]) -> str:
    return f"data: {_written(event)}\n\n"


def _written(answered: dict[str, Any], *, allow_nan: bool = True) -> str:
    return sound(json.dumps(answered, ensure_ascii=False, allow_nan=allow_nan))
