"""Endpoints: what is served, in which state, and a way to ask it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services import audit, kinds
from services.audit import Verb
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


def describe(version: Served, offline: bool = False) -> Message:
    """The state of one version in plain words; `offline`: everyone gets a fixed message in place of its answers."""
    if version.state is ServedState.FAILED:
        return Message("It could not be started: {reason}", reason=version.error or "–")
    if version.state is ServedState.STOPPED:
        return Message("It is stopped.")
    if version.state is ServedState.STARTING and version.error:
        return Message("It stopped and is starting again: {reason}", reason=version.error)
    if version.state is ServedState.STARTING:
        return Message("It is starting; that takes a few seconds.")
    if version.asleep:
        return Message("It sleeps because nobody asked for a while; the next answer takes some minutes.")
    if version.weight == 0:
        return Message("It is ready and gets no traffic: it can be tested without anyone noticing.")
    if offline:
        return Message("It is ready and answers nobody: everyone gets the message above.")
    return Message("It answers {weight} % of the questions.", weight=version.weight)


def stream(
    workspace: "Workspace", conversation: Sequence[Mapping[str, Any]], conversation_id: str = ""
) -> Iterator[Delta]:
    """Ask the live endpoint as anyone would; the answer counts as live traffic, or as a rehearsal's."""
    context = {"context": {"conversation_id": conversation_id}} if conversation_id else {}
    request = {
        "input": list(conversation),
        "custom_inputs": {"signalbox_origin": workspace.app.traffic, "user_id": workspace.actor.id},
        **context,
    }
    return workspace.platform.serving.stream(workspace, workspace.app.endpoint, request)


def go_on(
    workspace: "Workspace", conversation: Sequence[Mapping[str, Any]], allowed: bool, conversation_id: str = ""
) -> Iterator[Delta]:
    """Tell the live endpoint a person's yes or no to the tools that it waits for at the end of the conversation.

    Who said what to which tool stands in the audit log before the endpoint hears of it.
    """
    tools = [one.name for one in kinds.approvals(conversation)]
    with audit.change(workspace, Verb.TRY_AGENT, workspace.app.endpoint, after={"allowed": allowed, "tools": tools}):
        said = kinds.responses(conversation, allowed)
    return stream(workspace, [*conversation, *said], conversation_id)
