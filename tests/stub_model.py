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

    `status_of` fails single questions; `most_open` counts how many streams were open at the same time. `tool_calls`: what
    it wants to call, one list of (name, arguments) per coming request; after them it answers.
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
    tool_calls: list[list[tuple[str, str]]] = field(default_factory=list)
    models: tuple[str, ...] | None = None
    listed: Any = None
    open: int = 0
    most_open: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def text(self, body: dict[str, Any]) -> str:
        system = "".join(message["content"] for message in messages(body) if message["role"] == "system")
        return self.answer(system, messages(body)[-1]["content"])

    def calls(self) -> list[dict[str, Any]]:
        wanted = self.tool_calls.pop(0) if self.tool_calls else []
        return [
            {"id": f"call_{number}_{len(self.requests)}", "name": name, "arguments": arguments}
            for number, (name, arguments) in enumerate(wanted)
        ]


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What was said, whichever way it was sent."""
    if "messages" in body:
        return list(body["messages"])
    if isinstance(body["input"], str):
        return [{"role": "user", "content": body["input"]}]
    return [one if "role" in one else {"role": "tool", "content": one.get("output", "")} for one in body["input"]]


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
            status = stub.status if stub.status != 200 else stub.status_of(messages(body)[-1]["content"])
            calls = stub.calls()
            if status != 200:
                self._send(status, {"error": {"message": stub.failure}})
            elif self.path.endswith("/responses"):
                self._respond(body, "" if calls else stub.text(body), calls)
            elif body.get("stream"):
                self._stream("" if calls else stub.text(body), calls)
            else:
                told = {"content": None, "tool_calls": [_function(one) for one in calls]} if calls else {}
                message = {"role": "assistant", "content": "" if calls else stub.text(body), **told}
                reason = "tool_calls" if calls else stub.finish_reason
                choice = {"index": 0, "message": message, "finish_reason": reason}
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

        def _respond(self, body: dict[str, Any], text: str, calls: list[dict[str, Any]]) -> None:
            """OpenAI's Responses API."""
            whole = _response(stub, body, text, calls)
            if not body.get("stream"):
                self._send(200, whole)
                return
            self._begin_stream()
            for number, piece in enumerate(_pieces(text) if text else ()):
                place = {"item_id": "msg_stub", "output_index": 0, "content_index": 0, "logprobs": []}
                self._event("response.output_text.delta", number, delta=piece, **place)
                time.sleep(stub.between_words)
            self._event(f"response.{whole['status']}", 1_000, response=whole)

        def _event(self, kind: str, number: int, **more: Any) -> None:
            told = json.dumps({"type": kind, "sequence_number": number, **more})
            self.wfile.write(f"event: {kind}\ndata: {told}\n\n".encode())
            self.wfile.flush()

        def _begin_stream(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            self.close_connection = True

        def _stream(self, text: str, calls: list[dict[str, Any]]) -> None:
            self._begin_stream()
            pieces = _pieces(text)
            stub.open += 1
            stub.most_open = max(stub.most_open, stub.open)
            try:
                for piece in pieces:
                    self._chunk([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
                    time.sleep(stub.between_words)
                for number, call in enumerate(calls):
                    # A name first, then the arguments in two pieces, as providers do it.
                    half = len(call["arguments"]) // 2
                    begun = {**_function(call), "index": number}
                    begun["function"] = {"name": call["name"], "arguments": call["arguments"][:half]}
                    self._chunk([{"index": 0, "delta": {"tool_calls": [begun]}, "finish_reason": None}])
                    rest = {"index": number, "function": {"arguments": call["arguments"][half:]}}
                    self._chunk([{"index": 0, "delta": {"tool_calls": [rest]}, "finish_reason": None}])
                reason = "tool_calls" if calls else stub.finish_reason
                self._chunk([{"index": 0, "delta": {}, "finish_reason": reason}])
                if stub.with_usage:
                    self._chunk([], usage=USAGE)
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                stub.hung_up.set()
            finally:
                stub.open -= 1

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


def _pieces(text: str) -> list[str]:
    return [word if index == 0 else f" {word}" for index, word in enumerate(text.split(" "))]


def _function(call: dict[str, Any]) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": call["arguments"]}
    return {"id": call["id"], "type": "function", "function": function}


def _response(stub: StubModel, body: dict[str, Any], text: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": "msg_stub", "role": "assistant", "status": "completed", "content": [part]}
    called = [
        {"type": "function_call", "id": f"fc_{one['id']}", "call_id": one["id"], "status": "completed"}
        | {name: one[name] for name in ("name", "arguments")}
        for one in calls
    ]
    cut, failed = stub.finish_reason == "length", stub.finish_reason == "failed"
    return {
        "id": "resp_stub",
        "object": "response",
        "created_at": 1,
        "model": body["model"],
        "status": "incomplete" if cut else "failed" if failed else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": {"code": "server_error", "message": stub.failure} if failed else None,
        "output": called or [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
        | {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }
