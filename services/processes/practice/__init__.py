"""The practice model: an OpenAI-compatible model of rules and a knowledge file, so that everything runs without a key."""

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services import sample
from services.processes.practice import documents, judge
from services.processes.practice.answers import Asked, Knowledge, answer
from services.processes.practice.instructions import recognise

MODEL = "practice"
TOKEN = re.compile(r"\s*(?:[A-Za-z0-9]{1,6}|[^\sA-Za-z0-9])|\s+")
PROMPT_AND_QUESTION = re.compile(
    r"(?P<prompt>.+)\n\s*(?:(?:customer(?:'s)? |user )?(?:question|message)|(?:お客様の)?(?:ご?質問|お問い合わせ))\s*[::](?P<question>.*)",
    re.DOTALL | re.IGNORECASE,
)


class BadRequest(ValueError):
    """The request is not one of the Chat Completions API."""


@dataclass(frozen=True)
class Completion:
    """A finished answer, cut at the token limit if there is one."""

    id: str
    created: int
    tokens: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.tokens)

    @property
    def usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": len(self.tokens),
            "total_tokens": self.prompt_tokens + len(self.tokens),
        }


def routes(knowledge_file: Path | None = None) -> list[Route]:
    """The two paths of the Chat Completions API; `knowledge_file` replaces the sample's knowledge."""
    knowledge = sample.knowledge(knowledge_file) if knowledge_file else sample.knowledge()

    async def chat(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_respond, body, knowledge)

    async def models(request: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "signalbox"}]}
        )

    return [Route("/practice/v1/chat/completions", chat, methods=["POST"]), Route("/practice/v1/models", models)]


def _respond(body: bytes, knowledge: Knowledge) -> Response:
    try:
        asked = json.loads(body)
        completion = _complete(asked, knowledge)
    except (BadRequest, json.JSONDecodeError, UnicodeDecodeError) as error:
        return _error(400, str(error), "invalid_request_error")
    except judge.CannotJudge as error:
        return _error(422, str(error), "practice_model_cannot_judge")
    if completion is None:
        return _error(404, f"The practice model only knows the model name “{MODEL}”.", "model_not_found")
    if asked.get("stream"):
        usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        return StreamingResponse(_events(completion, usage), media_type="text/event-stream")
    return JSONResponse(_whole(completion))


def _complete(asked: Any, knowledge: Knowledge) -> Completion | None:
    """None when another model is asked for."""
    messages = _messages(asked)
    if asked.get("model") != MODEL:
        return None
    judging = judge.is_asked(asked.get("response_format"))
    if not judging and _wants_a_format(asked.get("response_format")):
        raise BadRequest("The practice model answers in plain text only; it cannot follow a response format.")
    text = _until_stop(judge.verdict(messages) if judging else _answer(messages, knowledge), asked.get("stop"))
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    tokens = TOKEN.findall(text)
    cut = isinstance(limit, int) and len(tokens) > limit
    prompt_tokens = sum(len(TOKEN.findall(content)) for _, content in messages)
    return Completion(
        f"chatcmpl-{uuid.uuid4().hex}",
        int(time.time()),
        tuple(tokens[:limit] if cut else tokens),
        "length" if cut else "stop",
        prompt_tokens,
    )


def _wants_a_format(response_format: Any) -> bool:
    return bool(response_format) and not (isinstance(response_format, dict) and response_format.get("type") == "text")


def _until_stop(text: str, stop: Any) -> str:
    """The text before the first of the stop sequences."""
    sequences = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    found = [text.find(one) for one in sequences if isinstance(one, str) and one]
    return text[: min((at for at in found if at >= 0), default=len(text))]


def _messages(asked: Any) -> list[tuple[str, str]]:
    """Role and text of every message; raises BadRequest."""
    messages = asked.get("messages") if isinstance(asked, dict) else None
    if (
        not isinstance(messages, list)
        or not messages
        or not all(isinstance(one, dict) and one.get("role") for one in messages)
    ):
        raise BadRequest("“messages” must be a list of messages, each with a role and a content.")
    return [(str(one["role"]), _text(one.get("content"))) for one in messages]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


def _answer(messages: list[tuple[str, str]], knowledge: Knowledge) -> str:
    prompt, given = documents.taken_out("\n".join(text for role, text in messages if role in ("system", "developer")))
    *earlier, question = [text for role, text in messages if role == "user"] or [""]
    together = None if prompt else PROMPT_AND_QUESTION.fullmatch(question)
    if together:
        prompt, question = together["prompt"], together["question"].strip()
    # A template may repeat the question; what a customer writes is never an instruction.
    for said in (question, *earlier):
        prompt = prompt.replace(said, "\n") if len(said) > 1 else prompt
    return answer(Asked(question, earlier), recognise(prompt), knowledge, documents.topic(given, question))


def _whole(completion: Completion) -> dict[str, Any]:
    message = {"role": "assistant", "content": completion.text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": completion.finish_reason, "logprobs": None}
    return _head(completion, "chat.completion") | {"choices": [choice], "usage": completion.usage}


def _events(completion: Completion, with_usage: bool) -> Iterator[str]:
    head = _head(completion, "chat.completion.chunk")
    for delta in ({"role": "assistant", "content": ""}, *({"content": token} for token in completion.tokens)):
        yield _event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": completion.finish_reason}]})
    if with_usage:
        yield _event(head | {"choices": [], "usage": completion.usage})
    yield "data: [DONE]\n\n"


def _head(completion: Completion, kind: str) -> dict[str, Any]:
    return {"id": completion.id, "object": kind, "created": completion.created, "model": MODEL}


def _event(chunk: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


def _error(status: int, message: str, code: str) -> Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)
