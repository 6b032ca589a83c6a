"""Faults on demand, and the transcript of all requests."""

from __future__ import annotations

import json
import re
import threading
import uuid
from dataclasses import dataclass, field

from .routing import Req


@dataclass
class Rule:
    """A fault (any status) or a deny (403) applied to matching requests."""

    kind: str
    path: str
    method: str | None = None
    status: int = 403
    error_code: str = "PERMISSION_DENIED"
    message: str = "The user does not have permission to perform this operation."
    retry_after: int | None = None
    times: int | None = None
    skip: int = 0
    delay_s: float = 0.0
    drop: bool = False
    user: str | None = None
    body_contains: str | None = None
    raw_body: str | None = None
    after_execute: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    hits: int = 0

    def matches(self, req: Req) -> bool:
        if self.method and self.method.upper() != req.method:
            return False
        if not re.search(self.path, req.path):
            return False
        if self.user and (req.user is None or req.user.user_name != self.user):
            return False
        return not (self.body_contains and self.body_contains not in req.raw.decode("utf-8", "replace"))


class Transcript:
    def __init__(self, limit: int = 20000):
        self.entries: list[dict] = []
        self.limit, self.seq, self.step = limit, 0, ""
        self.lock = threading.Lock()

    def add(self, entry: dict) -> None:
        with self.lock:
            self.seq += 1
            entry = {"seq": self.seq, "step": self.step, **entry}
            self.entries.append(entry)
            if len(self.entries) > self.limit:
                del self.entries[: len(self.entries) - self.limit]


def readable(raw: bytes, ctype: str, limit: int = 200_000):
    if not raw:
        return None
    if "json" in ctype or raw[:1] in (b"{", b"["):
        try:
            return json.loads(raw)
        except ValueError:
            pass
    if len(raw) > limit or b"\x00" in raw[:512]:
        return {"_bytes": len(raw)}
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"_bytes": len(raw)}
