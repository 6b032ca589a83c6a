"""One question under a text that is being written, and whether a model answers at all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from services import audit, prompts
from services.audit import Verb
from services.errors import translated
from services.messages import Message
from services.playground import calls
from services.prompts import Content

if TYPE_CHECKING:
    from services.workspace import Workspace


def stream(workspace: "Workspace", content: Content | str, question: str) -> Iterator[str]:
    """The model's answer piece by piece, as the agent would ask for it; nothing is written."""
    audit.require(workspace, Verb.TRY_AGENT)
    content = Content(content) if isinstance(content, str) else content
    prompts.check(content)
    messages: list[Any] = calls.assembled(content, workspace.app.variables, question)
    asked: dict[str, Any] = calls.arguments(workspace, content) | {"messages": messages, "stream": True}
    with (
        translated(Message("Trying the prompt")),
        calls.client(workspace.settings).chat.completions.create(**asked) as chunks,
    ):
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content


def check_model(workspace: "Workspace", model: str) -> None:
    """One short request, five seconds at most, so that a dead model is said at once; raises PlatformError."""
    with translated(Message("Asking the model {model}", model=model)):
        calls.client(workspace.settings).with_options(timeout=5).chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}], max_tokens=1
        )
