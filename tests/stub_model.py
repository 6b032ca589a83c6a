"""An OpenAI-compatible model for tests: it repeats what it was sent, or fails on request."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


@dataclass
class StubModel:
    """Answers “<system prompt> | <last message>” or what `answer` says; the other fields change how.

    `status_of` fails single questions; `most_open` counts how many streams were open at the same time.
    """

    url: str = ""
    answer: Callable[[str, str], str] = lambda system, question: f"{system} | {question}"
    status: int = 200
    status_of: Callable[[str], int] = lambda question: 200
    seconds: float = 0.0
    between_words: float = 0.0
    finish_reason: str = "stop"
    with_usage: bool = True
    failure: str = "stubbed failure"
    retry_after: str = ""
    models: tuple[str, ...] | None = None
    listed: Any = None
    open: int = 0
    most_open: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def text(self, body: dict[str, Any]) -> str:
        system = "".join(message["content"] for message in body["messages"] if message["role"] == "system")
        return self.answer(system, body["messages"][-1]["content"])


@contextmanager
def stub_model() -> Iterator[StubModel]:
    stub = StubModel()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            return None

        def do_GET(self) -> None:
            if stub.listed is not None:
                self._send(200, stub.listed)
                return
            if stub.models is None or stub.status != 200:
                self._send(404 if stub.status == 200 else stub.status, {"error": {"message": "stubbed failure"}})
                return
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "stub"} for name in stub.models]
            self._send(200, {"object": "list", "data": listed})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            stub.requests.append(body)
            time.sleep(stub.seconds)
            status = stub.status if stub.status != 200 else stub.status_of(body["messages"][-1]["content"])
            if status != 200:
                self._send(status, {"error": {"message": stub.failure}})
            elif body.get("stream"):
                self._stream(stub.text(body))
            else:
                message = {"role": "assistant", "content": stub.text(body)}
                choice = {"index": 0, "message": message, "finish_reason": stub.finish_reason}
                self._send(
                    200,
                    {
                        "id": "c",
                        "object": "chat.completion",
                        "created": 1,
                        "model": body["model"],
                        "choices": [choice],
                        "usage": USAGE,
                    },
                )

        def _send(self, status: int, body: dict[str, Any]) -> None:
            written = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(written)))
            if status == 429 and stub.retry_after:
                self.send_header("retry-after", stub.retry_after)
            self.end_headers()
            self.wfile.write(written)

        def _stream(self, text: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            words = text.split(" ")
            pieces = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
            stub.open += 1
            stub.most_open = max(stub.most_open, stub.open)
            try:
                for piece in pieces:
                    self._chunk([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
                    time.sleep(stub.between_words)
                self._chunk([{"index": 0, "delta": {}, "finish_reason": stub.finish_reason}])
                if stub.with_usage:
                    self._chunk([], usage=USAGE)
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                stub.hung_up.set()
            finally:
                stub.open -= 1
            self.close_connection = True

        def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> None:
            told = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            chunk = {**told, "choices": choices, **more}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield stub
    server.shutdown()
    server.server_close()
