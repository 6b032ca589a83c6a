"""What a request, an answer and a route are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError, bad


@dataclass
class Req:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    raw: bytes
    params: dict[str, str] = field(default_factory=dict)
    user: Principal | None = None
    msg: Any = None
    base_url: str = ""
    _json: Any = None

    def q(self, name: str, default: str | None = None) -> str | None:
        return next((v for k, v in self.query if k == name), default)

    def qall(self, name: str) -> list[str]:
        return [v for k, v in self.query if k == name]

    @property
    def json(self) -> dict:
        if self._json is None:
            if not self.raw:
                self._json = {}
            else:
                try:
                    self._json = json.loads(self.raw)
                except ValueError:
                    raise ApiError(
                        "MALFORMED_REQUEST",
                        "Invalid JSON given in the body of the request - failed to parse given JSON",
                    ) from None
        return self._json

    def fields(self, required: tuple[str, ...] = (), optional: tuple[str, ...] | None = None) -> dict:
        """Body as a dict, with unknown and missing fields rejected."""
        b = self.json
        if not isinstance(b, dict):
            raise ApiError("MALFORMED_REQUEST", "Request body must be a JSON object")
        for r in required:
            if b.get(r) in (None, ""):
                raise bad(f"Missing required field: {r}")
        if optional is not None:
            extra = set(b) - set(required) - set(optional)
            if extra:
                raise ApiError(
                    "MALFORMED_REQUEST", "Could not parse request object: unknown field(s) " + ", ".join(sorted(extra))
                )
        return b


@dataclass
class Resp:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/json"
    stream: Any = None  # iterator of bytes


@dataclass
class Route:
    method: str
    rx: re.Pattern
    template: str
    handler: Callable
    proto: Any = None
    auth: bool = True
    strict: bool = True
    lock: bool = True


ROUTES: list[Route] = []


def route(method: str, template: str, proto=None, auth: bool = True, strict: bool = True, lock: bool = True):
    pat = re.sub(r"\\\{(\w+)(:path)?\\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", re.escape(template))
    rx = re.compile(f"^{pat}/?$")

    def deco(fn):
        ROUTES.append(Route(method, rx, template, fn, proto, auth, strict, lock))
        return fn

    return deco


@dataclass
class Principal:
    user_name: str
    id: str
    token: str = ""
    kind: str = "pat"
    groups: list[str] = field(default_factory=lambda: ["users"])
    expires_at: float | None = None
    allowed_endpoints: set | None = None  # serving identity limited to declared resources
