"""HTTP/1.1 over the standard library: keep-alive, streams, dropped connections."""

from __future__ import annotations

import contextlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from .dispatch import Server
from .routing import Req


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
