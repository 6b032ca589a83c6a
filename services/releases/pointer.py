"""What answers people now, by which release it came, and where a rollback would lead."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from services import agents, production
from services.agents import AgentVersion
from services.errors import NotFoundError
from services.releases import shutdown
from services.releases.facts import Kind, Pair, Release, State
from services.releases.records import all, get

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Live:
    """What answers people now, read from the platform, and the release, or the rollback, that made it so.

    `prompt_name` is empty where the agent asks no prompt of the app, and None before anything was live.
    """

    pair: Pair
    prompt_name: str | None
    release: Release | None
    moved_outside: bool
    split: bool = False


def live(workspace: "Workspace") -> Live:
    """What production serves now; `moved_outside` when it is not what the last release left behind.

    `split`: several agent versions share the traffic, which no release leaves but a canary under way; `pair` is the one with the most.
    """
    moved = _moved(workspace)
    newest = moved[0][0] if moved else None
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    shown = [one for one in endpoint.versions if one.weight] if endpoint else []
    if newest is None or not shown:
        return Live(Pair(None, None, None), newest.prompt_name if newest else None, newest, newest is not None)
    most = max(shown, key=lambda one: one.weight)
    agent = _agent(workspace, most.model_id)
    name = newest.prompt_name
    if agent is not None and agent.model_id != newest.after.model_id:
        name = agent.prompt_name
    pair = Pair(most.model_id, most.version, _answers_with(workspace, agent, name))
    same = len(shown) == 1 and pair == newest.after and name == newest.prompt_name
    canary = len(shown) == 2 and _canary(workspace, {one.version for one in shown})
    return Live(pair, name, newest, not same and not canary, len(shown) > 1)


def _answers_with(workspace: "Workspace", agent: AgentVersion | None, name: str) -> int | None:
    """The version of that prompt, which is empty for an agent that asks none."""
    if not name:
        return None
    return (agent.pinned if agent else None) or production.alias(workspace, name)


def _canary(workspace: "Workspace", versions: set[int]) -> bool:
    """Whether a release under way lets exactly these versions share the traffic."""
    running = [one for one in all(workspace) if one.working and one.sharing]
    return any({one.before.agent_version, one.after.agent_version} == versions for one in running)


def rollback_target(workspace: "Workspace") -> Release | None:
    """The last good release before the one that is live: proven, and not the same pair. Not the highest number."""
    current = newest_moved(workspace)
    if current is None or current.moved_at is None:
        return None
    earlier = (one for one, at in _moved(workspace) if at < current.moved_at)
    return next((one for one in earlier if _good(one) and one.after != current.after), None)


def target_after(workspace: "Workspace", after: Pair) -> Release | None:
    """Where a rollback would lead once that pair is live; its agent may have no number yet."""
    there = (after.model_id, after.prompt_version)
    moved = (one for one, _ in _moved(workspace) if _good(one))
    return next((one for one in moved if (one.after.model_id, one.after.prompt_version) != there), None)


def successors(workspace: "Workspace") -> dict[int, int]:
    """The release that replaced or took back each one that went live, by number; what is live now has none."""
    moved = [one for one, _ in _ever_moved(workspace)]
    replaced = {older.id: newer.id for newer, older in pairwise(moved)}
    undone = {one.undoes: one.id for one in all(workspace) if one.moved_at and one.undoes}
    restored = {one.restores for one in moved[:1] if one.state is State.LIVE}
    return {id: by for id, by in (replaced | undone).items() if id not in restored}


def newest_moved(workspace: "Workspace") -> Release | None:
    """The release that moved the pointer last and was not taken back; after a rollback, the one it restored."""
    moved = _moved(workspace)
    if not moved:
        return None
    newest = moved[0][0]
    restored = newest.restores is not None and newest.state is State.LIVE
    return get(workspace, int(newest.restores or 0)) if restored else newest


def _moved(workspace: "Workspace") -> list[tuple[Release, datetime]]:
    """Of `_ever_moved` those since the environment was shut down last: what stood before left nothing behind."""
    ended = shutdown.last(workspace)
    return [(one, at) for one, at in _ever_moved(workspace) if ended is None or at > ended.at]


def _ever_moved(workspace: "Workspace") -> list[tuple[Release, datetime]]:
    """The releases that moved the pointer and were not taken back, with the time, newest first."""
    everything = all(workspace)
    undone = {one.undoes for one in everything if one.moved_at}
    kept = [one for one in everything if one.state is not State.TAKEN_BACK and one.id not in undone]
    found = [(one, one.moved_at) for one in kept]
    return sorted(((one, at) for one, at in found if at), key=lambda pair: pair[1], reverse=True)


def _good(release: Release) -> bool:
    """Whether a rollback may come back to it; one that is a way back itself leads to the release it restored."""
    return release.state is State.LIVE and release.kind is not Kind.ROLLBACK


def _agent(workspace: "Workspace", model_id: str) -> AgentVersion | None:
    """None for an agent that was deleted in MLflow and still answers."""
    try:
        return agents.get(workspace, model_id)
    except NotFoundError:
        return None
