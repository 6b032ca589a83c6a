"""Serving on this machine: rows say what is wanted, the gateway makes it so."""

import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx2
from sqlalchemy import insert, select, update

from services.database import served, writing
from services.errors import (
    ConflictError,
    translated,
)
from services.messages import Message
from services.platforms import Answer, Delta, Endpoint, Rules, Served, ServedState, Serving, Target, traffic, wire
from services.processes.lock import held, read

if TYPE_CHECKING:
    from services.kinds import Kind
    from services.workspace import Workspace

CONNECTING = 3.0
RECIPE = ("wanted", "model_config", "environment")


class LocalServing:
    """Rows of `served` say what is wanted; the gateway makes it so and writes back how it went."""

    rules = Rules(
        name_length=63,
        splits_traffic=True,
        served_versions=10,
        known_environment=frozenset({"MLFLOW_EXPERIMENT_ID", "ENABLE_MLFLOW_TRACING"}),
        fallback=True,
        copies=True,
        pythons=("{}.{}".format(*sys.version_info),),
    )

    def of(self, target: Target) -> Serving:
        return self

    def refuses(self, workspace: "Workspace", kind: "Kind") -> tuple[Message, Message] | None:
        return None

    def trouble(self, workspace: "Workspace") -> Message | None:
        path = workspace.settings.run_folder / "gateway.lock"
        if held(path):
            return None
        error = read(path).get("error")
        if error:
            return Message("The gateway could not start: {reason}", reason=error)
        return Message("The gateway is not running; the worker starts it again within seconds.")

    def deploy(
        self, workspace: "Workspace", endpoint: str, version: int, model_id: str, model_config: Mapping[str, Any]
    ) -> None:
        one = (served.c.endpoint == endpoint, served.c.version == version)
        wanted = {
            "wanted": "up",
            "state": ServedState.STARTING.value,
            "error": None,
            "model_config": dict(model_config),
            "environment": workspace.app.environment.given,
        }
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            row = connection.execute(select(served).where(*one)).one_or_none()
            if row is None:
                connection.execute(
                    insert(served).values(
                        app_id=workspace.app.id,
                        endpoint=endpoint,
                        version=version,
                        model_id=model_id,
                        weight=0,
                        experiment_id=workspace.app.experiment_id,
                        **wanted,
                    )
                )
            elif row.app_id != workspace.app.id or row.model_id != model_id:
                raise _taken(endpoint, version, row)
            elif row.state == ServedState.FAILED or any(row._mapping[name] != wanted[name] for name in RECIPE):
                again = {"revision": row.revision + 1, "ready_at": None, **wanted}
                connection.execute(update(served).where(*one).values(**again))
        _refresh(workspace)

    def endpoint(self, workspace: "Workspace", endpoint: str) -> Endpoint | None:
        query = select(served).where(served.c.endpoint == endpoint, served.c.app_id == workspace.app.id)
        with workspace.engine.connect() as connection:
            rows = connection.execute(query.where(served.c.wanted == "up").order_by(served.c.version.desc())).all()
        if not rows:
            return None
        url = f"{workspace.settings.gateway_url}/endpoints/{endpoint}"
        return Endpoint(endpoint, url, tuple(_served(row) for row in rows))

    def ask(
        self,
        workspace: "Workspace",
        endpoint: str,
        request: Mapping[str, Any],
        version: int | None = None,
        timeout: float = 60,
    ) -> Answer:
        path = f"/endpoints/{endpoint}" + ("" if version is None else f"/versions/{version}") + "/invocations"
        began = time.monotonic()
        with translated(Message("Asking {endpoint}", endpoint=endpoint)), _client(workspace, timeout) as client:
            response = client.post(path, json=dict(request))
        if response.is_error:
            raise wire.refused(endpoint, response)
        return wire.answer(response.content, time.monotonic() - began)

    def stream(self, workspace: "Workspace", endpoint: str, request: Mapping[str, Any]) -> Iterator[Delta]:
        path = f"/endpoints/{endpoint}/invocations"
        doing = Message("Asking {endpoint}", endpoint=endpoint)
        asked = {**request, "stream": True}
        with translated(doing), _client(workspace, 60) as client, client.stream("POST", path, json=asked) as response:
            if response.is_error:
                response.read()
                raise wire.refused(endpoint, response)
            yield from wire.deltas(response.iter_lines())

    def shift(self, workspace: "Workspace", endpoint: str, weights: Mapping[int, int]) -> None:
        current = traffic.movable(endpoint, self.endpoint(workspace, endpoint), weights)
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            for one in current.versions:
                row = (served.c.endpoint == endpoint, served.c.version == one.version)
                share = weights.get(one.version, 0)
                connection.execute(update(served).where(*row).values(weight=share, revision=served.c.revision + 1))
        _refresh(workspace)

    def copy_questions(self, workspace: "Workspace", endpoint: str, version: int, percent: int) -> None:
        one = (served.c.endpoint == endpoint, served.c.version == version, served.c.app_id == workspace.app.id)
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            before = connection.execute(select(served.c.shadow).where(*one)).scalar()
            counted = {"copied": 0, "dropped": 0} if percent and not before else {}
            connection.execute(update(served).where(*one).values(shadow=percent, **counted))
        _refresh(workspace)

    def retire(self, workspace: "Workspace", endpoint: str, version: int) -> None:
        one = (served.c.endpoint == endpoint, served.c.version == version, served.c.app_id == workspace.app.id)
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            weight = connection.execute(select(served.c.weight).where(*one)).scalar()
            if weight:
                raise ConflictError(
                    Message("Version {version} still takes {weight} % of the traffic.", version=version, weight=weight),
                    Message("Move the traffic to another version first."),
                )
            gone = {"wanted": "down", "shadow": 0, "revision": served.c.revision + 1}
            connection.execute(update(served).where(*one).values(**gone))
        _refresh(workspace)

    def dismantle(self, workspace: "Workspace", endpoint: str) -> None:
        standing = (served.c.endpoint == endpoint, served.c.app_id == workspace.app.id, served.c.wanted == "up")
        gone = {"wanted": "down", "weight": 0, "shadow": 0, "revision": served.c.revision + 1}
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            connection.execute(update(served).where(*standing).values(**gone))
        _refresh(workspace)


def _served(row: Any) -> Served:
    return Served(
        row.version,
        row.model_id,
        row.weight,
        ServedState(row.state),
        row.error,
        row.ready_at,
        row.asked_at,
        row.seconds_to_ready,
        shadow=row.shadow,
        copied=row.copied,
        dropped=row.dropped,
    )


def _client(workspace: "Workspace", timeout: float) -> httpx2.Client:
    """The gateway is on this machine: proxies of the environment are not for it."""
    limits = httpx2.Timeout(timeout, connect=CONNECTING)
    return httpx2.Client(base_url=workspace.settings.gateway_url, timeout=limits, trust_env=False)


def _refresh(workspace: "Workspace") -> None:
    """Let the gateway act now; it looks by itself a moment later, so a gateway that is down is no error here."""
    try:
        with _client(workspace, CONNECTING) as client:
            client.post("/refresh")
    except httpx2.HTTPError:
        return


def _taken(endpoint: str, version: int, row: Any) -> ConflictError:
    return ConflictError(
        Message(
            "Version {version} of {endpoint} is already another agent ({model}).",
            version=version,
            endpoint=endpoint,
            model=row.model_id,
        ),
        Message("Give the app an endpoint of its own, or register the agent as a new version."),
    )
