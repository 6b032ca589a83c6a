"""Endpoints: what is served, in which state, and a way to ask it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.messages import Message
from services.platforms import Delta, Endpoint, Served, ServedState

if TYPE_CHECKING:
    from services.workspace import Workspace


def current(workspace: "Workspace") -> Endpoint | None:
    """The app's endpoint as it is now; None when nothing is deployed."""
    return workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)


def trouble(workspace: "Workspace") -> Message | None:
    """Why the platform serves nothing right now; None when it is up."""
    return workspace.platform.serving.trouble(workspace)


def describe(version: Served) -> Message:
    """The state of one version in plain words."""
    if version.state is ServedState.FAILED:
        return Message("It could not be started: {reason}", reason=version.error or "–")
    if version.state is ServedState.STOPPED:
        return Message("It is stopped.")
    if version.state is ServedState.STARTING and version.error:
        return Message("It stopped and is starting again: {reason}", reason=version.error)
    if version.state is ServedState.STARTING:
        return Message("It is starting; that takes a few seconds.")
    if version.weight == 0:
        return Message("It is ready and gets no traffic: it can be tested without anyone noticing.")
    return Message("It answers {weight} % of the questions.", weight=version.weight)


def stream(workspace: "Workspace", conversation: list[dict[str, str]], conversation_id: str = "") -> Iterator[Delta]:
    """Ask the live endpoint as anyone would; the answer counts as live traffic."""
    context = {"context": {"conversation_id": conversation_id}} if conversation_id else {}
    request = {
        "input": conversation,
        "custom_inputs": {"signalbox_origin": "live", "user_id": workspace.actor.id},
        **context,
    }
    return workspace.platform.serving.stream(workspace, workspace.app.endpoint, request)
