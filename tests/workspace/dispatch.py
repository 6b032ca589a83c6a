"""One request against the current world: sign-in, faults, route, answer."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
import uuid
from urllib.parse import unquote

from .errors import ORG_ID, STATUS_FOR_CODE, ApiError
from .faults import Rule, Transcript, readable
from .protos import check_required, parse_message, query_to_dict, scalar, to_json
from .routing import ROUTES, Principal, Req, Resp


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
                            data[k] = scalar(fd, v)
                for k, v in req.params.items():
                    fd = matched.proto.DESCRIPTOR.fields_by_name.get(k)
                    if fd is not None and fd.message_type is None:
                        data[k] = scalar(fd, v)
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
                    "body": readable(req.raw, ctype),
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
