"""Try a prompt text before it is saved: one question straight to the model, nothing is written."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import openai
from openai.types.chat import ChatCompletionMessageParam

from services import prompts
from services.errors import translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

SECONDS = 60.0


def stream(workspace: "Workspace", template: str, question: str) -> Iterator[str]:
    """The model's answer piece by piece, under the template filled with the app's values; bounded by SECONDS."""
    prompts.check(template)
    filled = prompts.render(template, workspace.app.variables | {"question": question})
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": filled},
        {"role": "user", "content": question},
    ]
    model = workspace.app.model or workspace.settings.model
    with (
        translated(Message("Trying the prompt")),
        _client(workspace).chat.completions.create(model=model, messages=messages, stream=True) as chunks,
    ):
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content


def check_model(workspace: "Workspace", model: str) -> None:
    """One short request, five seconds at most, so that a dead model is said at once; raises PlatformError."""
    with translated(Message("Asking the model {model}", model=model)):
        _client(workspace).with_options(timeout=5).chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}], max_tokens=1
        )


def _client(workspace: "Workspace") -> openai.OpenAI:
    settings = workspace.settings
    return openai.OpenAI(base_url=settings.llm_base_url, api_key=settings.llm_api_key, timeout=SECONDS, max_retries=0)
