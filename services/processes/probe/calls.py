"""Which of Databricks' resources an agent asks over HTTP while it is tried; nothing of what it sends is kept."""

import functools
import importlib
import importlib.util
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

Asked = Callable[[str, Any], None]
# The path of a request -> what is asked; a name that is not in the path stands in the body.
PATHS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/serving-endpoints/(?P<name>[^/]+)/(?:served-models/[^/]+/)?invocations$"), "serving_endpoint"),
    (re.compile(r"/serving-endpoints/(?:chat/completions|completions|embeddings|responses)$"), "serving_endpoint"),
    (re.compile(r"/api/2\.0/vector-search/indexes/(?P<name>[^/]+)/[a-z-]+$"), "vector_search_index"),
    (re.compile(r"/api/2\.0/sql/statements/?$"), "sql_warehouse"),
    (re.compile(r"/sql/1\.0/warehouses/(?P<name>[^/]+)$"), "sql_warehouse"),
    (re.compile(r"/api/2\.0/(?:mcp/)?genie/(?:spaces/)?(?P<name>[^/]+)(?:/|$)"), "genie_space"),
    (re.compile(r"/api/2\.0/mcp/external/(?P<name>[^/]+)/?$"), "uc_connection"),
)
IN_BODY = {"serving_endpoint": "model", "sql_warehouse": "warehouse_id"}
APP = re.compile(r"(?P<name>.+)-\d+\..*databricksapps\.com")


def resource(url: str, body: Any) -> tuple[str, str] | None:
    """Kind and name of what a request asks; None for everything else."""
    parts = urlsplit(url)
    app = APP.fullmatch(parts.hostname or "")
    if app:
        return "app", app["name"]
    for pattern, kind in PATHS:
        found = pattern.search(parts.path)
        if found:
            name = unquote(found["name"]) if "name" in pattern.groupindex else _named(body, IN_BODY[kind])
            return (kind, name) if name else None
    return None


def watch(asked: Asked) -> None:
    """Call `asked` with the address and the body of every request that the usual clients send in this process."""
    for name in ("httpx", "httpx2"):
        if importlib.util.find_spec(name):
            module = importlib.import_module(name)
            for client in (module.Client, module.AsyncClient):
                _before(client, "send", lambda request, *_, **__: asked(str(request.url), _content(request)))
    pool = importlib.import_module("urllib3.connectionpool").HTTPConnectionPool
    told = pool.urlopen

    @functools.wraps(told)
    def urlopen(self: Any, method: str, url: str, body: Any = None, *more: Any, **named: Any) -> Any:
        asked(f"{self.scheme}://{self.host}{url}", body)
        return told(self, method, url, body, *more, **named)

    pool.urlopen = urlopen
    if importlib.util.find_spec("aiohttp"):
        session = importlib.import_module("aiohttp").ClientSession
        _before(session, "_request", lambda _, url, **named: asked(str(url), named.get("json") or named.get("data")))


def _before(owner: Any, name: str, tell: Callable[..., None]) -> None:
    """Tell before a method runs, whether it is awaited or not."""
    known = getattr(owner, name)

    @functools.wraps(known)
    def told(self: Any, *given: Any, **named: Any) -> Any:
        tell(*given, **named)
        return known(self, *given, **named)

    setattr(owner, name, told)


def _content(request: Any) -> Any:
    """The body of a request that is not sent piece by piece."""
    return request.content if "content-length" in request.headers else None


def _named(body: Any, field: str) -> str:
    try:
        read = body if isinstance(body, dict) else json.loads(body or b"null")
    except (ValueError, TypeError):
        return ""
    return str(read.get(field) or "") if isinstance(read, dict) else ""
