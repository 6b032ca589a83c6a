"""What a click moves, whom it touches and how it is undone, told before anybody clicks."""

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import apps, readmodel
from services.errors import ConsoleError
from services.messages import Message
from services.releases.facts import Kind, Pair, Release
from services.releases.pointer import Live, live, target_after
from services.traces import TraceQuery

if TYPE_CHECKING:
    from services.workspace import Workspace

DAY = 24
MOST = 10_000


@dataclass(frozen=True)
class Consequences:
    """One sentence each: what changes, from what, to what, who notices it, and the way back."""

    changes: Message
    before: Message
    after: Message
    affected: Message
    undo: Message


def of_start(workspace: "Workspace", release: Release) -> Consequences:
    """What starting the release does."""
    return Consequences(
        changes=_changes(workspace, release),
        before=pair_in_words(release.before),
        after=pair_in_words(release.promised),
        affected=affected(workspace),
        undo=_undo_of_start(workspace, release),
    )


def of_roll_back(workspace: "Workspace", now: Live, target: Release) -> Consequences:
    """What rolling back to the target does."""
    return Consequences(
        changes=Message(
            "{endpoint} answers as release {id} had left it.", endpoint=workspace.app.endpoint, id=target.id
        ),
        before=pair_in_words(now.pair),
        after=pair_in_words(target.after),
        affected=affected(workspace),
        undo=Message("Propose what is taken back now again: it passes the same interlocks."),
    )


def of_put_back(workspace: "Workspace", now: Live, last: Release) -> Consequences:
    """What putting back does, after somebody moved what is live outside the console."""
    return Consequences(
        changes=Message("{endpoint} answers as release {id} had left it.", endpoint=workspace.app.endpoint, id=last.id),
        before=pair_in_words(now.pair),
        after=pair_in_words(last.after),
        affected=affected(workspace),
        undo=Message("Propose what answers now as a release: it passes the interlocks."),
    )


def of_offline(workspace: "Workspace") -> Consequences:
    """What the emergency stop does; told without asking anything but our own files."""
    return Consequences(
        changes=Message(
            "Everyone who asks {endpoint} gets the message below in place of an answer, within a second. A release under "
            "way is stopped. No version and no traffic moves.",
            endpoint=workspace.app.endpoint,
        ),
        before=Message("the agent's answers"),
        after=Message("the message below"),
        affected=affected(workspace),
        undo=Message("Bringing it back is one click: the same versions answer again with the same shares."),
    )


def of_shut_down(workspace: "Workspace", now: Live) -> Consequences:
    """What shutting down a development or staging environment does."""
    endpoint, stage = workspace.app.endpoint, Message(apps.TITLE[workspace.app.environment.stage])
    stopped = Message(
        "Every version behind {endpoint} is stopped, and the alias {alias} of its prompts and of the registered agent is "
        "taken away. Prompts, agents, releases and traces stay.",
        endpoint=endpoint,
        alias=workspace.app.environment.alias,
    )
    deleted = Message(
        "The endpoint {endpoint} is deleted in Databricks with the permissions given on it, and the alias {alias} of its "
        "prompts and of the registered agent is taken away. Prompts, agents, releases and traces stay.",
        endpoint=endpoint,
        alias=workspace.app.environment.alias,
    )
    return Consequences(
        changes=stopped if workspace.settings.databricks is None else deleted,
        before=pair_in_words(now.pair),
        after=Message("nothing"),
        affected=affected(workspace),
        undo=Message(
            "The next release to {stage} sets it up again, with the name, the settings and the approval it has now.",
            stage=stage,
        ),
    )


def affected(workspace: "Workspace") -> Message:
    """Who asks in this environment."""
    environment, endpoint = workspace.app.environment, workspace.app.endpoint
    if not environment.live:
        return Message("Only who asks {endpoint}. Customers get production's answers as before.", endpoint=endpoint)
    try:
        asked, more = readmodel.count(workspace, TraceQuery(hours=DAY), MOST)
    except (ConsoleError, sqlite3.Error):
        # A way back is open also while nobody can count, or the count is busy.
        return Message("Everyone who asks {endpoint}; how many that are is not known now.", endpoint=endpoint)
    if more:
        return Message(
            "Everyone who asks {endpoint}: more than {n} questions in the last day.", endpoint=endpoint, n=f"{MOST:,}"
        )
    return Message("Everyone who asks {endpoint}: {n} questions in the last day.", endpoint=endpoint, n=f"{asked:,}")


def _changes(workspace: "Workspace", release: Release) -> Message:
    stage = Message(apps.TITLE[release.stage])
    if release.kind is Kind.PROMPT:
        return Message(
            "In {stage}, the alias {alias} of the prompt {name} moves; the agent stays.",
            stage=stage,
            alias=workspace.app.environment.alias,
            name=release.prompt_name,
        )
    if release.canary is not None:
        return Message(
            "In {stage}, the traffic of {endpoint} moves, once the comparisons among the steps below have passed.",
            stage=stage,
            endpoint=workspace.app.endpoint,
        )
    return Message("In {stage}, the traffic of {endpoint} moves.", stage=stage, endpoint=workspace.app.endpoint)


def _undo_of_start(workspace: "Workspace", release: Release) -> Message:
    if release.before.model_id is None:
        if workspace.platform.serving.rules.fallback:
            return Message("Nothing answers there yet: taking it offline is one click on Releases.")
        return Message("Nothing answers there yet: stop the endpoint on the platform's own screen.")
    target = target_after(workspace, release.after)
    if target is not None and not live(workspace).moved_outside:
        return Message("Roll back is one click on Releases; it leads to release {id}.", id=target.id)
    return Message("What answers now was never proven: going back to it is a release of its own.")


def pair_in_words(pair: Pair) -> Message:
    """What answers, for the middle of a sentence; an agent version that is not registered yet is a new one."""
    if pair.model_id is None:
        return Message("nothing")
    agent, prompt = pair.agent_version, pair.prompt_version
    if prompt is None:
        told = Message("agent version {agent} without a prompt", agent=agent)
        return Message("a new agent version without a prompt") if agent is None else told
    told = Message("prompt version {prompt} with agent version {agent}", prompt=prompt, agent=agent)
    return Message("prompt version {prompt} with a new agent version", prompt=prompt) if agent is None else told
