"""One question under a text that is being written, and whether a model answers at all."""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import openai
from openai.types.chat import ChatCompletionChunk

from services import audit, prompts
from services.audit import Verb
from services.errors import ConsoleError, PlatformError, translated
from services.messages import Message
from services.playground import calls, runs
from services.playground.answer import LONGEST_ANSWER
from services.prompts import Content

if TYPE_CHECKING:
    from services.workspace import Workspace

# What a server says of an address that it does not have.
NOT_OFFERED = (404, 405, 501)


def stream(workspace: "Workspace", content: Content | str, question: str) -> Iterator[str]:
    """The model's answer piece by piece, as the agent would ask for it; nothing is written.

    Raises PlatformError when the whole takes longer than a run of the playground would wait; cut at LONGEST_ANSWER.
    """
    audit.require(workspace, Verb.TRY_AGENT)
    content = Content(content) if isinstance(content, str) else content
    prompts.check(content)
    messages: list[Any] = calls.assembled(content, workspace.app.variables, question)
    asked: dict[str, Any] = calls.arguments(workspace, content) | {"messages": messages, "stream": True}
    with (
        translated(Message("Trying the prompt")),
        calls.client(workspace.settings).chat.completions.create(**asked) as chunks,
    ):
        yield from _bounded(chunks)


def _bounded(chunks: Iterable[ChatCompletionChunk]) -> Iterator[str]:
    """The pieces with text, until the answer is too long to show; a model may also send nothing for ever."""
    begun, left = time.monotonic(), LONGEST_ANSWER
    for chunk in chunks:
        if time.monotonic() - begun > runs.LONGEST_SECONDS:
            raise PlatformError(
                Message("The answer was not finished after {n} s.", n=round(runs.LONGEST_SECONDS)),
                Message("Set a token limit, or choose a faster model."),
            )
        piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
        if piece:
            yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def check_model(workspace: "Workspace", model: str, api: str = "chat") -> None:
    """One short request, five seconds at most, so that a dead model is said at once; raises PlatformError.

    `api`: chat or responses, whichever the agent will use.
    """
    client = calls.client(workspace.settings).with_options(timeout=5)
    if api == "responses":
        return _check_responses(client, model)
    with translated(Message("Asking the model {model}", model=model)):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}], max_tokens=1)


def _check_responses(client: openai.OpenAI, model: str) -> None:
    try:
        with translated(Message("Asking the model {model} by the Responses API", model=model)):
            # OpenAI takes no lower limit.
            client.responses.create(model=model, input="Hello", max_output_tokens=16, store=False)
    except ConsoleError as error:
        known = error.__cause__
        if isinstance(known, openai.APIStatusError) and known.status_code in NOT_OFFERED:
            raise PlatformError(
                Message("{model} cannot be asked by the Responses API here.", model=model),
                Message("Choose Chat Completions in the form of the agent, or another model."),
            ) from error
        raise
