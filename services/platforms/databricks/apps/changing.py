"""Changes of an app: made and started where it is not, one deployment at a time, each after reading what stands there."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict, ResourceDoesNotExist
from databricks.sdk.service.apps import (
    App,
    AppDeployment,
    AppDeploymentMode,
    AppDeploymentState,
    AppDeploymentStatus,
    ApplicationState,
    ApplicationStatus,
    AppResource,
    ComputeState,
    ComputeStatus,
)

from services.errors import ConflictError, PlatformError
from services.messages import Message
from services.platforms import ServedState
from services.platforms.databricks.client import Client
from services.secrets import masked

if TYPE_CHECKING:
    from services.workspace import Workspace

SECONDS_TO_SETTLE = 1200.0
FIRST_LOOK, SLOWEST_LOOK = 0.5, 10.0
ENDED = (AppDeploymentState.FAILED, AppDeploymentState.CANCELLED)
RESTING = (ComputeState.STOPPED, ComputeState.STOPPING, ComputeState.DELETING)


def found(client: Client, name: str) -> App | None:
    """The app as it is now; None when there is none."""
    try:
        return client.sdk.apps.get(name)
    except (NotFound, ResourceDoesNotExist):
        return None


def newest(client: Client, name: str, folder: str | None = None) -> AppDeployment | None:
    """The last deployment that was begun, of that folder or of any, however it ended."""
    known = [one for one in client.sdk.apps.list_deployments(name) if folder in (None, one.source_code_path)]
    return max(known, key=lambda one: one.create_time or "", default=None)


def state(app: App, deployment: AppDeployment) -> tuple[ServedState, str | None]:
    """How that deployment of the app stands, and why where it failed."""
    compute = app.compute_status.state if app.compute_status else None
    deployed = deployment.status.state if deployment.status else None
    running = app.app_status.state if app.app_status else None
    if compute in RESTING:
        return ServedState.STOPPED, None
    if deployed in ENDED:
        return ServedState.FAILED, _said(deployment.status)
    if compute is ComputeState.ERROR:
        return ServedState.FAILED, _said(app.compute_status)
    if running is ApplicationState.CRASHED and deployed is AppDeploymentState.SUCCEEDED:
        return ServedState.FAILED, _said(app.app_status)
    up = compute is ComputeState.ACTIVE and running is ApplicationState.RUNNING
    return (ServedState.READY if up and deployed is AppDeploymentState.SUCCEEDED else ServedState.STARTING), None


def run(workspace: "Workspace", client: Client, name: str, folder: str, resources: tuple[AppResource, ...]) -> None:
    """Let the app run what lies in the folder; one that does not stand yet is made. Returns when that has begun."""
    app = _made(workspace, client, name, resources)
    _refuse_others(workspace, app)
    if app.compute_status and app.compute_status.state is ComputeState.STOPPED:
        client.sdk.apps.start(name)
    _until(client, name, lambda now: now.compute_status is not None and now.compute_status.state is ComputeState.ACTIVE)
    _until(client, name, lambda now: now.pending_deployment is None)
    if list(app.resources or []) != list(resources):
        client.sdk.apps.update(name, App(name, description=app.description, resources=list(resources)))
    _still_ours(workspace)
    try:
        client.sdk.apps.deploy(name, AppDeployment(source_code_path=folder, mode=AppDeploymentMode.SNAPSHOT))
    except (BadRequest, ResourceConflict):
        # The answer to our own request was lost: what is on its way decides.
        begun = newest(client, name)
        if begun is None or begun.source_code_path != folder or state(app, begun)[0] is ServedState.FAILED:
            raise


def quiet(client: Client, name: str) -> App | None:
    """The app when nothing is on its way to it any more, such as what an interrupted attempt began; None without one."""
    if found(client, name) is not None:
        _until(client, name, lambda now: now.pending_deployment is None)
    return found(client, name)


def settled(client: Client, name: str, folder: str) -> None:
    """Returns when the app answers with what lies in the folder; raises PlatformError when that does not come up."""
    end, pause = time.monotonic() + SECONDS_TO_SETTLE, FIRST_LOOK
    while time.monotonic() < end:
        app, deployment = found(client, name), newest(client, name, folder)
        stands, why = state(app, deployment) if app and deployment else (ServedState.STARTING, None)
        if stands is ServedState.READY:
            return
        if stands is ServedState.FAILED:
            raise PlatformError(
                Message("The app {name} did not come up: {reason}", name=name, reason=why or "–"),
                Message("Look at its logs in Databricks, then resume."),
            )
        time.sleep(pause)
        pause = min(pause * 2, SLOWEST_LOOK)
    raise _slow(name)


def stop(client: Client, name: str) -> None:
    """An app that is stopped costs nothing; it keeps its address."""
    client.sdk.apps.stop(name)


def remove(workspace: "Workspace", client: Client, name: str) -> None:
    """Delete the app; raises ConflictError where it is none of this app's."""
    app = found(client, name)
    if app is None:
        return
    _refuse_others(workspace, app)
    _still_ours(workspace)
    client.sdk.apps.delete(name)


def _made(workspace: "Workspace", client: Client, name: str, resources: tuple[AppResource, ...]) -> App:
    app = found(client, name)
    if app is not None:
        return app
    _still_ours(workspace)
    # A conflict: the answer to our own request was lost, or somebody was faster; what stands there decides.
    with suppress(ResourceConflict):
        client.sdk.apps.create(App(name, description=_mark(workspace), resources=list(resources)))
    made = found(client, name)
    if made is None:
        raise PlatformError(
            Message("The app {name} was accepted, but reading it back finds none.", name=name),
            Message("Look at the apps in Databricks, then resume."),
        )
    return made


def _refuse_others(workspace: "Workspace", app: App) -> None:
    if app.description != _mark(workspace):
        raise ConflictError(
            Message("{name} is an app of the workspace that this console did not make for this app.", name=app.name),
            Message("Give the environment another endpoint name on the Apps screen."),
        )


def _mark(workspace: "Workspace") -> str:
    """By its description people see in Databricks whose app it is, and so does the console."""
    return f"Agent of “{workspace.app.id}” ({workspace.app.environment.stage}), released by Signalbox. Keep this line."


def _until(client: Client, name: str, reached: Callable[[App], bool]) -> None:
    end, pause = time.monotonic() + SECONDS_TO_SETTLE, FIRST_LOOK
    while time.monotonic() < end:
        app = found(client, name)
        if app is not None and reached(app):
            return
        if app is not None and app.compute_status and app.compute_status.state is ComputeState.ERROR:
            raise PlatformError(
                Message("The app {name} did not come up: {reason}", name=name, reason=_said(app.compute_status)),
                Message("Look at it in Databricks, then resume."),
            )
        time.sleep(pause)
        pause = min(pause * 2, SLOWEST_LOOK)
    raise _slow(name)


def _slow(name: str) -> PlatformError:
    return PlatformError(
        Message("The app {name} is still being changed.", name=name),
        Message("Look at it in Databricks, then resume."),
        retryable=True,
    )


def _said(status: AppDeploymentStatus | ApplicationStatus | ComputeStatus | None) -> str:
    return masked((status.message if status else "") or "–")[:300]


def _still_ours(workspace: "Workspace") -> None:
    """Waiting takes minutes, in which another attempt may have taken the job over."""
    with workspace.engine.connect() as connection:
        workspace.fence(connection)
