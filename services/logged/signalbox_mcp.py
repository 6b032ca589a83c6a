"""Asks MCP servers over Streamable HTTP for their tools, and calls one of them.

Every call has a connection of its own and ends within its server's seconds: nothing is kept between two requests.
"""

import os
import queue
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import anyio
import httpx2
from anyio.from_thread import start_blocking_portal
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

SECONDS, TO_LIST, TO_CONNECT = 60.0, 15.0, 10.0
# Where a workspace of Databricks has servers of its own.
MANAGED = "/api/2.0/mcp/"
STATUS = {401: "refused", 403: "refused", 404: "unknown", 405: "unknown"}
Doing = Callable[[Client], Awaitable[Any]]


class ServerError(Exception):
    """What went wrong with a server; `kind` is absent, refused, unknown, slow, unset, unfit or broken."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class Server:
    """Where it is, and which environment variable has the value of the header that it wants.

    `signs_in`: it is one of a workspace's own, and takes the agent's sign-in there.
    """

    name: str
    url: str
    header: str = ""
    variable: str = ""
    signs_in: bool = False
    seconds: float = SECONDS

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Server":
        return cls(**{name: told[name] for name in cls.__dataclass_fields__ if name in told})

    @property
    def headers(self) -> dict[str, str]:
        if not self.variable:
            return signed_in(self.url) if self.signs_in else {}
        value = os.environ.get(self.variable, "").strip()
        if not value:
            raise ServerError("unset", f"The environment variable {self.variable} is not set.")
        if not (value.isascii() and value.isprintable()):
            raise ServerError("unfit", f"What the environment variable {self.variable} has cannot be sent in a header.")
        bare = self.header.lower() == "authorization" and " " not in value
        return {self.header: f"Bearer {value}" if bare else value}


def tools(server: Server) -> list[Any]:
    """Every tool that the server offers, as MCP tells it; raises ServerError."""

    async def listed(client: Client) -> list[Any]:
        page = await client.list_tools()
        found = list(page.tools)
        while page.next_cursor:
            page = await client.list_tools(cursor=page.next_cursor)
            found += page.tools
        return found

    with start_blocking_portal() as portal:
        return list(portal.call(talked, server, min(TO_LIST, server.seconds), listed))


def call(server: Server, tool: str, given: Mapping[str, Any]) -> Generator[dict[str, Any], None, str]:
    """How far a long tool has come, as it tells that; returns what came back. Raises ServerError."""
    told: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.put({"progress": progress, "total": total, "message": message})

    async def called(client: Client) -> Any:
        return await client.call_tool(tool, dict(given), progress_callback=heard)

    with start_blocking_portal() as portal:
        answer = portal.start_task_soon(talked, server, server.seconds, called)
        answer.add_done_callback(lambda _: told.put(None))
        try:
            while (step := told.get()) is not None:
                yield step
        finally:
            # A caller that hung up waits for nothing.
            answer.cancel()
    result = answer.result()
    if result.is_error:
        raise ServerError("broken", text_of(result))
    return text_of(result)


async def talked(server: Server, seconds: float, doing: Doing) -> Any:
    """What `doing` gives, within the time; every failure as one ServerError."""
    answered: list[int] = []

    async def seen(response: httpx2.Response) -> None:
        answered.append(response.status_code)

    limits = httpx2.Timeout(seconds, connect=min(TO_CONNECT, seconds))
    with Failing(seconds, answered):
        headers = server.headers
        with anyio.fail_after(seconds):
            async with (
                httpx2.AsyncClient(headers=headers, timeout=limits, event_hooks={"response": [seen]}) as http,
                Client(streamable_http_client(server.url, http_client=http)) as client,
            ):
                return await doing(client)


class Failing:
    """Turns whatever is raised inside into a ServerError without what led to it: a trace would tell that, keys included."""

    def __init__(self, seconds: float, answered: list[int]) -> None:
        self.seconds, self.answered = seconds, answered

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            raise failure(first(error), self.seconds, self.answered[-1] if self.answered else 0) from None


def failure(error: BaseException, seconds: float, status: int) -> ServerError:
    """In words that never repeat what was sent; of what nobody foresaw only its kind is told."""
    if isinstance(error, ServerError):
        return error
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return ServerError("slow", f"No answer within {seconds:g} seconds.")
    if isinstance(error, httpx2.TransportError) and not isinstance(error, httpx2.LocalProtocolError):
        return ServerError("absent", str(error) or "The connection broke.")
    if status in STATUS:
        return ServerError(STATUS[status], f"It answered {status}.")
    return ServerError("broken", str(error) if isinstance(error, MCPError) else type(error).__name__)


def first(error: BaseException) -> BaseException:
    """The failure inside of groups of failures."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def text_of(result: Any) -> str:
    """The words of a result; other content is only named."""
    return "\n".join(one.text if one.type == "text" else f"[{one.type}]" for one in result.content)


def signed_in(url: str) -> dict[str, str]:
    """The sign-in of the agent to its workspace, for the workspace's own servers alone."""
    from databricks.sdk import WorkspaceClient

    config = WorkspaceClient().config
    own = f"{config.host}{MANAGED}".lower()
    if not (own.startswith("https://") and url.lower().startswith(own)):
        raise ServerError("refused", "Its address is not among the servers of the workspace where the agent runs.")
    return dict(config.authenticate())
