"""A small MCP server on this machine: it reads, it changes, it takes long, and it may want a key."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response


@dataclass
class SmallServer:
    """`key`: the value of Authorization that it wants, if any; `seen`: those that came; `cancelled`: orders so far."""

    url: str = ""
    key: str = ""
    seen: list[str | None] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)


@contextmanager
def mcp_server() -> Iterator[SmallServer]:
    told = SmallServer()
    app = _tools(told).streamable_http_app()

    async def guard(request: Request, call_next) -> Response:
        told.seen.append(request.headers.get("authorization"))
        if told.key and told.seen[-1] != told.key:
            return PlainTextResponse("no", 401)
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=guard)
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        told.url = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield told
        server.should_exit = True
        thread.join(20)


def _tools(told: SmallServer) -> MCPServer:
    server = MCPServer("crm")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def find_order(number: str) -> str:
        """Tell where an order is."""
        if number == "ghost":
            raise LookupError("no such order")
        return f"{number} is on its way"

    @server.tool()
    def cancel_order(number: str) -> str:
        """Cancel an order."""
        told.cancelled.append(number)
        return f"cancelled {number}"

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def search(context: Context, pages: int = 2, seconds: float = 0.0) -> str:
        """Search page by page."""
        for page in range(1, pages + 1):
            await context.report_progress(page, pages, f"page {page}")
            await asyncio.sleep(seconds)
        return f"{pages} pages"

    return server
