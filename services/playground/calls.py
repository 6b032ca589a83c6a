"""How the model is called: the messages and settings that the logged agent would send, and the clients."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import openai
from mlflow.entities.model_registry import PromptVersion

from services.messages import Message, mark
from services.prompts import Content
from services.settings import Settings

if TYPE_CHECKING:
    from services.workspace import Workspace

SECONDS = 60.0
SECONDS_TO_CONNECT = 10.0
# The registry's names of a prompt version's settings, and the model call's.
SETTINGS = {
    "model_name": "model",
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "stop_sequences": "stop",
}
FINISHED = {
    "length": mark("cut by the token limit"),
    "content_filter": mark("stopped by the model's content filter"),
    "tool_calls": mark("the model asked for a tool instead"),
    "unknown": mark("the model did not say that it was finished"),
    "too_long": mark("cut here, because it is too long to show"),
}


def assembled(content: Content, values: Mapping[str, str], question: str) -> list[dict[str, str]]:
    """The messages as the logged agent sends them; a variable without a value stays as it is written."""
    # MLflow's class leaves a method of its base open, which it does not need.
    prompt = PromptVersion("prompt", 1, content.registered)  # type: ignore[abstract]
    filled: dict[str, Any] = {**values, "question": question}
    given: Any = prompt.format(allow_partial=True, **filled)
    rendered = given.template if isinstance(given, PromptVersion) else given
    asked = {"role": "user", "content": question}
    if isinstance(rendered, str):
        return [{"role": "system", "content": rendered}, asked]
    system = [message for message in rendered if message["role"] == "system"]
    examples = [message for message in rendered if message["role"] != "system"]
    asks = any(message["role"] == "user" for message in examples) and "question" in prompt.variables
    return [*system, *examples] if asks else [*system, *examples, asked]


def arguments(workspace: "Workspace", content: Content) -> dict[str, Any]:
    """The model call without its messages: the content's own settings decide, then the app's model."""
    chosen = {"model_name": app_model(workspace)} | content.settings.to_json()
    named = {SETTINGS[name]: value for name, value in chosen.items() if name in SETTINGS}
    return named | response_format(content.response_format)


def app_model(workspace: "Workspace") -> str:
    return workspace.usual_model


def response_format(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """The argument that asks for answers in this JSON schema; what is in the API's own form already stays as it is."""
    if not schema:
        return {}
    if schema.get("type") in ("json_schema", "json_object"):
        return {"response_format": dict(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}}


def estimated_tokens(text: str) -> int:
    """A rough count: four characters of plain ASCII a token, every other character one."""
    plain = len(text.encode("ascii", "ignore"))
    return len(text) - plain + -(-plain // 4)


def finished(reason: str) -> Message | str | None:
    """Why an answer ended, when it is not simply finished; a reason that nobody knows is shown as it is."""
    if reason == "stop":
        return None
    return Message(FINISHED[reason]) if reason in FINISHED else reason


def client(settings: Settings) -> openai.OpenAI:
    return openai.OpenAI(base_url=settings.llm_base_url, api_key=settings.llm_api_key, timeout=_limits(), max_retries=0)


def async_client(settings: Settings) -> openai.AsyncOpenAI:
    """One for all runs, so that answers share its connections; used in the loop of `loop.py` only."""
    return _async_client(settings.llm_base_url, settings.llm_api_key)


@functools.lru_cache(maxsize=4)
def _async_client(base_url: str | None, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=base_url, api_key=key, timeout=_limits(), max_retries=0)


def _limits() -> openai.Timeout:
    return openai.Timeout(SECONDS, connect=SECONDS_TO_CONNECT)
