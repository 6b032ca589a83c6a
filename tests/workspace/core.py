"""HTTP core: errors, routing, protobuf (de)serialisation, auth, faults, transcript."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as FD

ORG_ID = "5099015744649857"

STATUS_FOR_CODE = {
    "BAD_REQUEST": 400,
    "MALFORMED_REQUEST": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "INVALID_STATE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_CONFLICT": 409,
    "ABORTED": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "SCHEMA_DOES_NOT_EXIST": 404,
    "CATALOG_DOES_NOT_EXIST": 404,
    "TABLE_DOES_NOT_EXIST": 404,
    "CATALOG_ALREADY_EXISTS": 400,
    "SCHEMA_ALREADY_EXISTS": 400,
}


class ApiError(Exception):
    def __init__(self, code: str | int, message: str, status: int | None = None, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.code, self.message = code, message
        self.status = status or (code if isinstance(code, int) else STATUS_FOR_CODE.get(code, 400))
        self.headers = headers or {}

    def body(self) -> dict:
        rid = str(uuid.uuid4())
        if isinstance(self.code, int):  # the gateway's own 401/403 bodies carry an integer code
            return {"error_code": self.code, "message": f"{self.message} [ReqId: {rid}]"}
        return {
            "error_code": self.code,
            "message": self.message,
            "details": [{"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": rid, "serving_data": ""}],
        }


def bad(message: str) -> ApiError:
    return ApiError("INVALID_PARAMETER_VALUE", message)


def missing(message: str) -> ApiError:
    return ApiError("RESOURCE_DOES_NOT_EXIST", message)


def now_ms() -> int:
    return int(time.time() * 1000)


# ------------------------------------------------------------------ protobuf helpers
def to_json(msg) -> dict:
    """Message -> dict with snake_case names and int64 as JSON numbers (the MLflow REST dialect)."""
    from mlflow.utils.proto_json_utils import message_to_json

    return json.loads(message_to_json(msg, pretty=False))


def parse_message(cls, data: dict | None, strict: bool = True):
    msg = cls()
    try:
        json_format.ParseDict(data or {}, msg, ignore_unknown_fields=not strict)
    except json_format.ParseError as e:
        raise ApiError("MALFORMED_REQUEST", f"Could not parse request object: {e}") from None
    return msg


_INTS = {FD.CPPTYPE_INT32, FD.CPPTYPE_INT64, FD.CPPTYPE_UINT32, FD.CPPTYPE_UINT64}


def _scalar(fd, text: str):
    if fd.cpp_type in _INTS:
        try:
            return int(text)
        except ValueError:
            raise bad(f"Invalid integer '{text}' for parameter '{fd.name}'") from None
    if fd.cpp_type in (FD.CPPTYPE_DOUBLE, FD.CPPTYPE_FLOAT):
        return float(text)
    if fd.cpp_type == FD.CPPTYPE_BOOL:
        if text.lower() not in ("true", "false"):
            raise bad(f"Invalid boolean '{text}' for parameter '{fd.name}'")
        return text.lower() == "true"
    return text


def query_to_dict(cls, pairs: list[tuple[str, str]], strict: bool = True) -> dict:
    out: dict[str, Any] = {}
    for key, val in pairs:
        parts, desc, node = key.split("."), cls.DESCRIPTOR, out
        for i, part in enumerate(parts):
            fd = desc.fields_by_name.get(part)
            if fd is None:
                if not strict:
                    break
                raise ApiError("MALFORMED_REQUEST", f"Could not parse request object: unknown query parameter '{key}'")
            if i < len(parts) - 1:
                node, desc = node.setdefault(part, {}), fd.message_type
                continue
            if fd.message_type is not None:
                raise ApiError("MALFORMED_REQUEST", f"Query parameter '{key}' is not a scalar")
            v = _scalar(fd, val)
            if fd.is_repeated:
                node.setdefault(part, []).append(v)
            else:
                node[part] = v
    return out


def check_required(msg) -> None:
    from mlflow.protos import databricks_pb2

    for fd in msg.DESCRIPTOR.fields:
        opts = fd.GetOptions()
        if not (
            opts.HasExtension(databricks_pb2.validate_required) and opts.Extensions[databricks_pb2.validate_required]
        ):
            continue
        present = len(getattr(msg, fd.name)) > 0 if fd.is_repeated else msg.HasField(fd.name)
        if not present:
            raise bad(
                f"Missing value for required parameter '{fd.name}'. "
                "See the API docs for more information about request parameters."
            )


# ------------------------------------------------------------------ requests and routes
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


def _readable(raw: bytes, ctype: str, limit: int = 200_000):
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


class Server:
    """Dispatches one request against the current World."""

    def __init__(self, world_factory):
        self.world_factory = world_factory
        self.transcript = Transcript()
        self.rules: list[Rule] = []
        self.lock = threading.RLock()
        self.world = world_factory()

    def reset(self) -> None:
        with self.lock:
            old = self.world
            self.world = self.world_factory()
            self.world.base_url = old.base_url
            self.rules.clear()
            self.transcript = Transcript()
        close = getattr(old, "close", None)
        if close:
            close()

    # -- authentication, in the order a real gateway would answer
    def authenticate(self, req: Req) -> Principal:
        w = self.world
        header = req.headers.get("authorization", "")
        if not header:
            raise ApiError(401, "Credential was not sent or was of an unsupported type for this API.")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise ApiError(401, "Credential was not sent or was of an unsupported type for this API.")
        p = w.tokens.get(token.strip())
        if p is None:
            raise ApiError(403, "Invalid access token.")
        if p.expires_at is not None and time.time() > p.expires_at:
            raise ApiError(403, "Token is expired." if p.kind == "pat" else "Invalid Token")
        org = req.headers.get("x-databricks-org-id")
        if org and org != ORG_ID:
            raise ApiError(403, f"Invalid access to Org: {org}")
        return p

    def _apply_rules(self, req: Req, after: bool) -> tuple[Resp | None, str | None]:
        for r in list(self.rules):
            if r.after_execute != after or not r.matches(req):
                continue
            r.hits += 1
            if r.hits <= r.skip:
                continue
            if r.times is not None and r.hits - r.skip > r.times:
                continue
            if r.delay_s:
                time.sleep(r.delay_s)
                if r.kind == "delay":
                    continue
            if r.drop:
                return Resp(status=-1), r.id
            if r.kind == "delay":
                continue
            headers = {"Retry-After": str(r.retry_after)} if r.retry_after is not None else {}
            if r.raw_body is not None:
                return Resp(
                    status=r.status, headers=headers, content=r.raw_body.encode(), content_type="text/html"
                ), r.id
            err = ApiError(r.error_code, r.message, r.status, headers)
            return Resp(err.body(), r.status, headers), r.id
        return None, None

    def handle(self, req: Req) -> Resp:
        t0 = time.time()
        fault_id = None
        matched = None
        try:
            for rt in ROUTES:
                m = rt.rx.match(req.path) if rt.method == req.method else None
                if not m:
                    continue
                matched = rt
                req.params = {k: unquote(v) for k, v in m.groupdict().items()}
                break
            if matched is None or matched.auth:
                req.user = self.authenticate(req)
            if not req.path.startswith("/__admin"):
                r, fault_id = self._apply_rules(req, after=False)
                if r is not None:
                    return self._finish(req, r, t0, fault_id, matched)
            if matched is None:
                raise ApiError("ENDPOINT_NOT_FOUND", f"No API found for '{req.method} {req.path}'", 404)
            if matched.proto is not None:
                data = (
                    query_to_dict(matched.proto, req.query, matched.strict)
                    if req.method == "GET" or not req.raw
                    else dict(req.json)
                )
                if req.method != "GET" and req.query and req.raw:
                    # update_mask and friends travel in the query next to a JSON body
                    for k, v in req.query:
                        fd = matched.proto.DESCRIPTOR.fields_by_name.get(k)
                        if fd is not None and fd.message_type is None and k not in data:
                            data[k] = _scalar(fd, v)
                for k, v in req.params.items():
                    fd = matched.proto.DESCRIPTOR.fields_by_name.get(k)
                    if fd is not None and fd.message_type is None:
                        data[k] = _scalar(fd, v)
                req.msg = parse_message(matched.proto, data, matched.strict)
                check_required(req.msg)
            with self.world.lock if matched.lock else contextlib.nullcontext():
                out = matched.handler(self.world, req)
            if out is None:
                out = {}
            resp = out if isinstance(out, Resp) else Resp(to_json(out) if hasattr(out, "DESCRIPTOR") else out)
            r, fid = self._apply_rules(req, after=True)
            if r is not None:
                resp, fault_id = r, fid
        except ApiError as e:
            resp = Resp(e.body(), e.status, e.headers)
        except Exception as e:  # noqa: BLE001 - a bug here must be loud, not look like Databricks
            traceback.print_exc()
            from mlflow.exceptions import MlflowException

            if isinstance(e, MlflowException):
                resp = Resp(ApiError(e.error_code, e.message).body(), STATUS_FOR_CODE.get(e.error_code, 400))
            else:
                resp = Resp({"error_code": "INTERNAL_ERROR", "message": f"EMULATOR BUG {type(e).__name__}: {e}"}, 500)
        return self._finish(req, resp, t0, fault_id, matched)

    def _finish(self, req: Req, resp: Resp, t0: float, fault_id, matched) -> Resp:
        resp.headers.setdefault("X-Databricks-Org-Id", ORG_ID)
        resp.headers.setdefault("x-request-id", str(uuid.uuid4()))
        if not req.path.startswith("/__admin"):
            ctype = req.headers.get("content-type", "")
            body = resp.body
            if resp.content is not None:
                body = {"_bytes": len(resp.content)}
            elif resp.stream is not None:
                body = {"_stream": resp.content_type}
            self.transcript.add(
                {
                    "ts": round(t0, 3),
                    "method": req.method,
                    "path": req.path,
                    "query": req.query,
                    "body": _readable(req.raw, ctype),
                    "status": resp.status,
                    "response": body,
                    "template": matched.template if matched else None,
                    "user": req.user.user_name if req.user else None,
                    "user_agent": req.headers.get("user-agent", "")[:200],
                    "fault": fault_id,
                    "ms": round((time.time() - t0) * 1000, 1),
                }
            )
        return resp


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 adapter over the standard library: one thread per connection, keep-alive, SSE."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    app: Server

    def log_message(self, *a):  # the transcript is the log
        pass

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            out = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0].strip() or b"0", 16)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    return out
                out += self.rfile.read(size)
                self.rfile.readline()
        n = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(n) if n else b""

    def _serve(self):
        raw = self._read_body()
        path, _, qs = self.path.partition("?")
        req = Req(
            method=self.command,
            path=path,
            query=parse_qsl(qs, keep_blank_values=True),
            headers={k.lower(): v for k, v in self.headers.items()},
            raw=raw,
        )
        req.base_url = f"http://{self.headers.get('Host', '127.0.0.1')}"
        if not self.app.world.base_url:
            self.app.world.base_url = req.base_url
        resp = self.app.handle(req)
        if resp.status == -1:  # injected fault: the peer closes without answering
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(2)
            return
        head = [
            f"HTTP/1.1 {resp.status} {_REASON.get(resp.status, 'Unknown')}",
            "Server: databricks",
            f"Date: {self.date_time_string()}",
        ]
        head += [f"{k}: {v}" for k, v in resp.headers.items()]
        if resp.stream is not None:
            head += [f"Content-Type: {resp.content_type}", "Transfer-Encoding: chunked", "", ""]
            self.wfile.write("\r\n".join(head).encode())
            for chunk in resp.stream:
                if chunk:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            return
        if resp.content is not None:
            body = resp.content
        elif resp.status == 204:
            body = b""
        else:
            body = json.dumps(resp.body if resp.body is not None else {}, ensure_ascii=False).encode()
        if not any(k.lower() == "content-length" for k in resp.headers):
            head.append(f"Content-Length: {len(body)}")
        head += [f"Content-Type: {resp.content_type}", "", ""]
        self.wfile.write("\r\n".join(head).encode("latin-1", "replace") + (b"" if self.command == "HEAD" else body))

    def _safe(self):
        try:
            self._serve()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _safe


_REASON = {k: v[0] for k, v in BaseHTTPRequestHandler.responses.items()}


class HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(app: Server, host: str, port: int) -> HttpServer:
    handler = type("BoundHandler", (Handler,), {"app": app})
    return HttpServer((host, port), handler)
