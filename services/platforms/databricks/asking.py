"""Questions to a serving endpoint, and to one version behind it."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
from mlflow.exceptions import MlflowException

from services.errors import ConsoleError, is_missing, translated
from services.messages import Message
from services.platforms import Answer, Delta, wire
from services.platforms.databricks import refusals
from services.platforms.databricks.client import Client

if TYPE_CHECKING:
    from services.workspace import Workspace

ORIGIN, LIVE = "signalbox_origin", "live"
ORIGIN_TAG = "signalbox.origin"
SECONDS_TO_STREAM = 120.0
SECONDS_TO_TRACE = 10.0
OF_THE_WORKSPACE = (refusals.UNAUTHORIZED, refusals.FORBIDDEN, refusals.NOT_FOUND)


@dataclass(frozen=True)
class Address:
    """Where an endpoint, or one version behind it, is asked; `options` and `headers` let its answers tell their trace."""

    endpoint: str
    where: str
    options: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def served_at(endpoint: str, entity: str | None = None) -> Address:
    """An endpoint of Model Serving, or one of its served entities."""
    return Address(endpoint, path(endpoint, entity), {"databricks_options": {"return_trace": True}})


def path(endpoint: str, entity: str | None = None) -> str:
    """Where to ask; a served entity answers at its own address, also without any traffic."""
    at = f"/serving-endpoints/{endpoint}"
    return f"{at}/served-models/{entity}/invocations" if entity else f"{at}/invocations"


def ask(workspace: "Workspace", client: Client, at: Address, request: Mapping[str, Any], seconds: float) -> Answer:
    """One answer with its trace, which says of itself when nobody but the console asked."""
    began = time.monotonic()
    with translated(Message("Asking {endpoint}", endpoint=at.endpoint)), client.http(seconds) as http:
        response = http.post(at.where, json={**request, **at.options}, headers=dict(at.headers))
    if response.is_error:
        raise _refused(at.endpoint, response)
    answer = wire.answer(response.content, time.monotonic() - began)
    origin = (request.get("custom_inputs") or {}).get(ORIGIN, LIVE)
    if answer.trace_id and origin != LIVE:
        _mark(workspace, answer.trace_id, str(origin))
    return answer


def stream(client: Client, at: Address, request: Mapping[str, Any]) -> Iterator[Delta]:
    """The pieces of an answer; an error of the agent arrives as the last one, with status 200."""
    asked = {**request, "stream": True, **at.options}
    with (
        translated(Message("Asking {endpoint}", endpoint=at.endpoint)),
        client.http(SECONDS_TO_STREAM) as http,
        http.stream("POST", at.where, json=asked, headers=dict(at.headers)) as response,
    ):
        if response.is_error:
            response.read()
            raise _refused(at.endpoint, response)
        yield from wire.deltas(response.iter_lines())


def _refused(endpoint: str, response: httpx2.Response) -> ConsoleError:
    """A refusal of the workspace leaves no trace to look at; everything else does."""
    if response.status_code not in OF_THE_WORKSPACE:
        return wire.refused(endpoint, response)
    doing = Message("Asking {endpoint}", endpoint=endpoint)
    return refusals.of_status(response.status_code, doing, wire.reason_of(response))


def _mark(workspace: "Workspace", trace_id: str, origin: str) -> None:
    """The served agent knows nothing of the console's questions, so the trace is told as soon as it is stored."""
    end = time.monotonic() + SECONDS_TO_TRACE
    while True:
        with translated(Message("Marking the trace of the question")):
            try:
                workspace.client.set_trace_tag(trace_id, ORIGIN_TAG, origin)
                return
            except MlflowException as error:
                if not is_missing(error):
                    raise
        if time.monotonic() > end:
            return
        time.sleep(0.5)
