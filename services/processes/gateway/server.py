"""HTTP of the gateway: the stable address in front of the version processes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import aiohttp
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services import database
from services.processes import practice
from services.processes.gateway import fallback
from services.processes.gateway.routing import Target, choose, conversation_of
from services.processes.gateway.shadow import Shadow
from services.processes.gateway.supervisor import Supervisor
from services.processes.web import PAIR, Refused, broken_off, read_json, refusal
from services.settings import Settings

LONGEST_ANSWER = 300.0
VERBS = ("invocations", "responses")
HERE = ["127.0.0.1", "localhost"]
JSON = {"content-type": "application/json"}


class Gateway:
    """The routes; `supervisor` and `shadow` exist while the application runs."""

    supervisor: Supervisor
    shadow: Shadow

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        engine = database.connect(self.settings.database_url)
        timeout = aiohttp.ClientTimeout(total=LONGEST_ANSWER, sock_connect=5)
        connector = aiohttp.TCPConnector(limit=0, force_close=False)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            self.supervisor = Supervisor(self.settings, engine, session)
            self.shadow = Shadow(self.supervisor)
            watching = asyncio.create_task(self.supervisor.run())
            yield
            await self.shadow.stop()
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            await self.supervisor.stop()
        engine.dispose()

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ready"})

    async def refresh(self, request: Request) -> Response:
        """Act on changed rows now, not at the next look."""
        await self.supervisor.reconcile()
        return JSONResponse({"status": "done"})

    async def endpoint_health(self, request: Request) -> Response:
        ready = self.supervisor.targets(request.path_params["endpoint"])
        live = {str(target.version): target.weight for target in ready}
        status = 200 if any(target.weight for target in ready) else 503
        return JSONResponse({"ready": live}, status_code=status)

    async def invoke(self, request: Request) -> Response:
        """An ordinary request: by weight, sticky by conversation, perhaps copied to a shadow; the fixed message while the endpoint is offline."""
        endpoint = request.path_params["endpoint"]
        raw, body = await read_json(request)
        if endpoint in self.supervisor.closed:
            return fallback.answer(self.supervisor.closed[endpoint], stream=bool(body.get("stream")))
        target = choose(self.supervisor.targets(endpoint), endpoint, conversation_of(body))
        if target is None:
            raise self._nobody(endpoint)
        return await self._pass_on(target, raw, self.shadow.offer(endpoint, body, len(raw)))

    async def invoke_version(self, request: Request) -> Response:
        """A request for exactly one version, also at 0 %."""
        endpoint, version = request.path_params["endpoint"], request.path_params["version"]
        raw, _ = await read_json(request)
        target = next((one for one in self.supervisor.targets(endpoint) if one.version == version), None)
        if target is None:
            raise Refused(503, f"Version {version} of “{endpoint}” is not ready.")
        return await self._pass_on(target, raw)

    async def _pass_on(self, target: Target, body: bytes, pair: str = "") -> Response:
        """Forward, and hand every piece on as it arrives; a caller that hangs up ends the connection to the version."""
        headers = JSON | ({PAIR: pair} if pair else {})
        call = self.supervisor.session.post(f"{target.url}/invocations", data=body, headers=headers)
        async with AsyncExitStack() as opened:
            opened.enter_context(explained(target))
            opened.enter_context(self.supervisor.asking(target))
            answer = await opened.enter_async_context(call)
            if answer.content_type == "text/event-stream":
                pieces = _pieces(opened.pop_all(), answer)
                return StreamingResponse(pieces, media_type="text/event-stream", headers={"cache-control": "no-store"})
            return Response(await answer.read(), status_code=answer.status, media_type=answer.content_type)

    def _nobody(self, endpoint: str) -> Refused:
        if self.supervisor.targets(endpoint):
            return Refused(503, f"No version of “{endpoint}” has a share of the traffic yet.")
        if self.supervisor.knows(endpoint):
            return Refused(503, f"No version of “{endpoint}” is ready yet.")
        return Refused(404, f"Nothing is deployed at “{endpoint}”.")


def application(settings: Settings) -> Starlette:
    gateway = Gateway(settings)
    base = "/endpoints/{endpoint}"
    version = f"{base}/versions/{{version:int}}"
    routes = [
        Route("/health", gateway.health),
        Route("/refresh", gateway.refresh, methods=["POST"]),
        Route(f"{base}/health", gateway.endpoint_health),
        *(Route(f"{base}/{verb}", gateway.invoke, methods=["POST"]) for verb in VERBS),
        *(Route(f"{version}/{verb}", gateway.invoke_version, methods=["POST"]) for verb in VERBS),
        *practice.routes(),
    ]
    # A page in someone's browser can reach this machine under another name; only our own names are answered.
    here = Middleware(TrustedHostMiddleware, allowed_hosts=HERE)
    return Starlette(routes=routes, lifespan=gateway.lifespan, middleware=[here], exception_handlers={Refused: refusal})


@contextmanager
def explained(target: Target) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Refused(504, f"Version {target.version} did not answer in {LONGEST_ANSWER:.0f} seconds.") from error
    except aiohttp.ClientError as error:
        raise Refused(503, f"Version {target.version} stopped while it was asked; it is starting again.") from error


async def _pieces(opened: AsyncExitStack, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The status is sent already, so a version that dies now is told as the last event."""
    try:
        async with opened:
            async for piece in answer.content.iter_any():
                yield piece
    except Refused as error:
        event = broken_off(error.status, error.message)
        yield f"\n\ndata: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()
