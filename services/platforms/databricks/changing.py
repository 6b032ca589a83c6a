"""Changes of a serving endpoint: one at a time, each after reading what stands there."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from databricks.sdk.errors import AlreadyExists, NotFound, ResourceAlreadyExists, ResourceConflict, ResourceDoesNotExist
from databricks.sdk.service.serving import (
    EndpointCoreConfigInput,
    EndpointTag,
    ServedEntityInput,
    ServingEndpointDetailed,
    TrafficConfig,
)

from services.errors import ConflictError, ConsoleError, NotFoundError, NotReadyError, PlatformError
from services.messages import Message
from services.platforms import Target
from services.platforms.databricks import served
from services.platforms.databricks.client import Client
from services.platforms.databricks.telling import without_agents
from services.secrets import masked

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_VERSIONS = 15
SECONDS_TO_SETTLE = 1200.0
FIRST_LOOK, SLOWEST_LOOK = 0.5, 10.0
APP_TAG = "signalbox_app"
UPDATING = "currently updating"


def found(client: Client, endpoint: str) -> ServingEndpointDetailed | None:
    """The endpoint as it is now; None when there is none."""
    try:
        return client.sdk.serving_endpoints.get(endpoint)
    except (NotFound, ResourceDoesNotExist):
        return None


def settled(client: Client, endpoint: str) -> ServingEndpointDetailed:
    """The endpoint when nobody changes it any more: only then does it take another change."""
    end, pause = time.monotonic() + SECONDS_TO_SETTLE, FIRST_LOOK
    while time.monotonic() < end:
        now = found(client, endpoint)
        if now is None:
            raise NotFoundError(
                Message("The endpoint {endpoint} does not exist any more.", endpoint=endpoint),
                Message("Somebody deleted it. Release an agent version to make it again."),
            )
        if not served.updating(now):
            return now
        time.sleep(pause)
        pause = min(pause * 2, SLOWEST_LOOK)
    raise PlatformError(
        Message("The endpoint {endpoint} is still being changed.", endpoint=endpoint),
        Message("Look at it in Databricks, then resume."),
        retryable=True,
    )


def create(workspace: "Workspace", client: Client, endpoint: str, entity: ServedEntityInput) -> None:
    """The endpoint with its first version, in the way that the app's environment asks for."""
    make = _make_model if workspace.app.environment.target is Target.CPU else _make_agent
    _still_ours(workspace)
    try:
        make(workspace, client, endpoint, entity)
    except (AlreadyExists, ResourceAlreadyExists, ResourceConflict):
        # The answer to our own request was lost, or somebody was faster: what stands there decides.
        now = found(client, endpoint)
        if now is None or not stands(now, str(entity.entity_name), int(entity.entity_version or 0)):
            raise


def _make_agent(workspace: "Workspace", client: Client, endpoint: str, entity: ServedEntityInput) -> None:
    """As an agent of the workspace: in its list of agents, with a table of what is asked and answered."""
    try:
        from databricks.agents import deploy  # type: ignore[import-untyped]  # no types
    except ModuleNotFoundError as error:
        raise without_agents() from error

    try:
        deploy(
            str(entity.entity_name),
            int(entity.entity_version or 0),
            endpoint_name=endpoint,
            scale_to_zero=bool(entity.scale_to_zero_enabled),
            environment_vars=dict(entity.environment_vars or {}),
            tags={APP_TAG: workspace.app.id},
        )
    except ValueError as error:  # the only kind that `databricks.agents` raises by itself
        raise _refused(endpoint, str(error)) from error


def _make_model(workspace: "Workspace", client: Client, endpoint: str, entity: ServedEntityInput) -> None:
    """As any other model, without waiting for it: tracing is switched on by its environment alone."""
    traffic = TrafficConfig(routes=served.routes({str(entity.name): 100}))
    client.sdk.serving_endpoints.create(
        endpoint,
        config=EndpointCoreConfigInput(endpoint, served_entities=[entity], traffic_config=traffic),
        tags=[EndpointTag(APP_TAG, workspace.app.id)],
    )


def add(workspace: "Workspace", client: Client, now: ServingEndpointDetailed, entity: ServedEntityInput) -> None:
    """Beside what is live, with no traffic; alone, with all of it, when nothing ever came up there.

    A version that failed to come up takes its own place again.
    """
    if stands(now, str(entity.entity_name), int(entity.entity_version or 0)):
        return
    name, shares = str(entity.name), served.weights(now)
    live = [one for one in served.kept(now) if one.name != name]
    if len(live) >= MOST_VERSIONS:
        raise ConflictError(
            Message("{endpoint} already serves {n} versions, which is the limit.", endpoint=now.name, n=len(live)),
            Message("Stop old versions on the Endpoints screen, then resume the release."),
        )
    tag = EndpointTag(served.WANTED_TAG, str(entity.entity_version))
    client.sdk.serving_endpoints.patch(str(now.name), add_tags=[tag])
    configure(workspace, client, now, [*live, entity], {name: 0} | shares if live else {name: 100})


def forget(client: Client, now: ServingEndpointDetailed, version: int) -> None:
    """A version that did not come up is in no configuration; only the note that it was wanted is taken away."""
    if served.wanted(now) == version:
        client.sdk.serving_endpoints.patch(str(now.name), delete_tags=[served.WANTED_TAG])


def configure(
    workspace: "Workspace",
    client: Client,
    before: ServingEndpointDetailed,
    entities: list[ServedEntityInput],
    shares: Mapping[str, int],
) -> None:
    """Replace the configuration; a change that somebody else began a moment before is never overwritten."""
    name, traffic = str(before.name), TrafficConfig(routes=served.routes(shares))
    _still_ours(workspace)
    try:
        client.sdk.serving_endpoints.update_config(name, served_entities=entities, traffic_config=traffic)
    except ResourceConflict as error:
        now = found(client, name)
        if now is not None and served.becomes(now) == {one.name: shares.get(str(one.name), 0) for one in entities}:
            return
        raise _busy(name) from error


def remove(workspace: "Workspace", client: Client, endpoint: str, model: str) -> None:
    """Delete the endpoint; raises ConflictError when it serves anything but that registered model."""
    now = found(client, endpoint)
    if now is None:
        return
    if others := served.others(now, model):
        raise ConflictError(
            Message("{endpoint} also serves {names}, which is none of this app's.", endpoint=endpoint, names=others[0]),
            Message("Let whoever put it there take it off in Databricks, then shut the environment down again."),
        )
    _still_ours(workspace)
    with suppress(NotFound, ResourceDoesNotExist):  # the answer to our own request was lost
        client.sdk.serving_endpoints.delete(endpoint)


def strike(client: Client, endpoint: str, model: str) -> None:
    """Take what stood at the endpoint off the workspace's list of agents, which would refuse the model elsewhere."""
    api, path = client.sdk.api_client, f"/api/2.0/agents/deployments/{model}"
    known: Any = api.do("GET", path)
    for one in known.get("chain_deployments") or []:
        if one.get("endpoint_name") == endpoint:
            version = one["model_version"]
            with suppress(NotFound, ResourceDoesNotExist):
                api.do("DELETE", f"{path}/versions/{version}", body={"model_name": model, "model_version": version})


def stands(now: ServingEndpointDetailed, model: str, version: int) -> bool:
    """Whether the version is served or on its way; one that failed to come up is not."""
    known = {one.version: one.state for one in served.entities(now, model)}
    return known.get(version, served.ServedState.FAILED) is not served.ServedState.FAILED


def record(client: Client, endpoint: str, model: str, version: int) -> None:
    """Tell the workspace's list of agents, which `databricks.agents` does only for a first version."""
    api = client.sdk.api_client
    known: Any = api.do("GET", f"/api/2.0/agents/deployments/{model}")
    if str(version) in {str(one.get("model_version")) for one in known.get("chain_deployments") or []}:
        return
    name = served.entity_name(model, version)
    told = {
        "model_name": model,
        "model_version": version,
        "query_endpoint": f"{client.access.host}/serving-endpoints/{endpoint}/served-models/{name}/invocations",
        "endpoint_name": endpoint,
        "served_entity_name": name,
        "workspace_url": client.access.host,
    }
    api.do("POST", "/api/2.0/agents/deployments", body=told)


def _still_ours(workspace: "Workspace") -> None:
    """Waiting takes minutes, in which another attempt may have taken the job over."""
    with workspace.engine.connect() as connection:
        workspace.fence(connection)


def _refused(endpoint: str, reason: str) -> ConsoleError:
    if UPDATING in reason:
        return _busy(endpoint)
    return PlatformError(
        Message("{endpoint} cannot be made: {reason}", endpoint=endpoint, reason=masked(reason)[:300]),
        Message("Correct what that sentence names, then resume."),
    )


def _busy(endpoint: str) -> NotReadyError:
    return NotReadyError(
        Message("{endpoint} is being changed by somebody else at this moment.", endpoint=endpoint),
        Message("Wait until it is ready, look at what is live, then resume."),
    )
