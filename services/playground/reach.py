"""Whether the model server answers, found out in the background and free of charge: it is asked for its list of models."""

import json
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import openai

from services.errors import ConsoleError, translated
from services.messages import Message
from services.playground import calls, loop
from services.settings import Settings

if TYPE_CHECKING:
    from services.workspace import Workspace

SECONDS = 5.0
KEPT_SECONDS = 20.0
PATIENCE = 0.3
MOST_LISTED = 500


@dataclass(frozen=True)
class Reach:
    """`error` says why no model can be asked; `models` is empty when the server does not list them."""

    pending: bool = False
    error: ConsoleError | None = None
    models: tuple[str, ...] = ()

    def lists(self, model: str) -> bool:
        return not self.models or model in self.models


_asked: dict[tuple[str | None, str], tuple[float, "Future[tuple[str, ...]]"]] = {}


def reach(workspace: "Workspace", patience: float = PATIENCE) -> Reach:
    """What is known now; the server is asked again when that is older than KEPT_SECONDS."""
    settings = workspace.settings
    key = (settings.llm_base_url, settings.llm_api_key)
    begun, future = _asked.get(key, (0.0, None))
    if future is None or (future.done() and time.monotonic() - begun > KEPT_SECONDS):
        _asked[key] = begun, future = time.monotonic(), loop.submit(_models(settings))
    try:
        return Reach(models=future.result(max(0.0, patience - (time.monotonic() - begun))))
    except TimeoutError:
        return Reach(pending=True)
    except ConsoleError as error:
        return Reach(error=error)


def ask_again(workspace: "Workspace") -> None:
    """Forget what was found out."""
    _asked.pop((workspace.settings.llm_base_url, workspace.settings.llm_api_key), None)


async def _models(settings: Settings) -> tuple[str, ...]:
    """The names of the models; none from a server that keeps no list."""
    with translated(Message("Looking for the model")):
        try:
            client = calls.async_client(settings).with_options(timeout=SECONDS)
            answer = await client.models.with_raw_response.list()
        except openai.APIStatusError as error:
            if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
                raise
            return ()
    return _names(answer.text)


def _names(listed: str) -> tuple[str, ...]:
    """The ids in a list of models; servers that only resemble OpenAI's send a bare list, no ids, or no JSON at all."""
    try:
        found = json.loads(listed)
    except (ValueError, RecursionError):
        return ()
    entries = found.get("data") if isinstance(found, dict) else found
    ids = [one.get("id") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return tuple(id for id in ids if isinstance(id, str))[:MOST_LISTED]
