"""The stages of an agent version's line: what each of them shows, and where to go on when it is empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlflow.entities.model_registry import ModelVersion

from services import agents, endpoints, evaluations, production, releases
from services.agents.records import AgentVersion
from services.errors import existing, translated
from services.evaluations import Evaluation, Score
from services.evaluations.records import PASS
from services.interlocks import Light
from services.messages import Message
from services.platforms import Endpoint
from services.prompts import PromptVersion
from services.releases import Release, registering
from services.traces import TraceQuery, TraceRow
from services.verdicts.numbers import level

if TYPE_CHECKING:
    from services.workspace import Workspace

DAYS = 30
SHOWN = 2


@dataclass(frozen=True)
class Badge:
    """A word about a node; green is good, red must be mended, none is neutral; a verdict has passed or not."""

    text: Message | str
    light: Light | None = None
    verdict: bool = False


@dataclass(frozen=True)
class Node:
    """One thing in the line; `screen` with `asks` opens it."""

    what: Message | str
    screen: str
    asks: Mapping[str, str] = field(default_factory=dict)
    badges: tuple[Badge, ...] = ()
    notes: tuple[Message | str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True)
class Stage:
    """One part of the line; without nodes, `missing` says so and `next` is where to go on."""

    title: Message
    nodes: tuple[Node, ...]
    missing: Message
    next: Node


def answers_with(agent: AgentVersion, history: Mapping[int, PromptVersion]) -> int | None:
    """The prompt version that the agent answers with now: the one it is pinned to, else the live one."""
    if agent.pinned is not None:
        return agent.pinned
    live = next((one.version for one in history.values() if one.live), None)
    return live if agent.prompt_alias == production.ALIAS else None


def traces_of(model_id: str, origin: str | None, limit: int) -> TraceQuery:
    return TraceQuery(hours=DAYS * 24, origin=origin, version=model_id, limit=limit)


def prompted(agent: AgentVersion, history: Mapping[int, PromptVersion], now: int | None, serving: bool) -> Stage:
    """The version that it was logged with and, perhaps the same, the one it answers with."""
    linked, name = agent.linked, agent.prompt_name
    how = Message("answers with it now") if serving else Message("would answer with it")
    how = Message("always answers with it") if agent.pinned else how
    told = {linked: [Message("was logged with it")]} if linked else {}
    if now:
        told.setdefault(now, []).append(how)
    nodes = tuple(_prompt_node(name, number, tuple(notes), history.get(number)) for number, notes in told.items())
    again = Node(Message("Log it again"), "agents", {"new": "1"})
    if agent.links.none:
        again = Node(Message("Log it with a prompt"), "agents", {"new": "1"})
        return Stage(
            Message("Prompt"),
            nodes,
            Message("It was logged without a prompt: its instructions are in its code or loaded by it."),
            again,
        )
    return Stage(Message("Prompt"), nodes, Message("It was logged with no prompt of the registry."), again)


def logged(agent: AgentVersion) -> Stage:
    agree = (
        Badge(Message("links agree"), Light.GREEN) if agent.links.agree else Badge(Message("links differ"), Light.RED)
    )
    follows = Message("pinned to version {n}", n=agent.pinned) if agent.pinned else Message("follows what is live")
    badges, told = ((), ()) if agent.links.none else ((agree,), (follows,))
    notes = (*filter(None, [agent.llm_model]), *told)
    node = Node(agent.name, "agents", {"agent": agent.model_id}, badges, notes, agent.created_at)
    return Stage(Message("Agent"), (node,), Message("There is no agent."), node)


def evaluated(workspace: "Workspace", agent: AgentVersion, now: int | None) -> Stage:
    found = [one for one in evaluations.of_agent(workspace, agent.model_id) if one.finished]
    nodes = [_evaluation(workspace, one) for one in found[:SHOWN]]
    if len(found) > SHOWN:
        nodes.append(Node(Message("Older evaluations: {n}", n=len(found) - SHOWN), "evaluations"))
    wanted = now or agent.linked
    asks = {"agent": agent.model_id} | ({"version": str(wanted)} if wanted else {})
    start = Node(Message("Evaluate it"), "evaluations", asks)
    return Stage(
        Message("Evaluations"), tuple(nodes), Message("Not evaluated yet: nobody knows how good it is."), start
    )


def registered(workspace: "Workspace", agent: AgentVersion) -> Stage:
    """Its number in the registry with its names there; opens the release that registered it."""
    mine = [one for one in releases.all(workspace) if one.after.model_id == agent.model_id]
    version = _version(workspace, agent)
    nodes = (_registered_node(agent, version, mine),) if version else ()
    waiting = next((one for one in mine if one.startable or one.working), None)
    next_step = Node(Message("Release it"), "releases", {"agent": agent.model_id})
    if waiting:
        next_step = Node(Message("Release {id}", id=waiting.id), "releases", {"release": str(waiting.id)})
    return Stage(Message("Registered version"), nodes, Message("Not registered yet: a release does that."), next_step)


def served(agent: AgentVersion, current: Endpoint | None) -> Stage:
    served = [one for one in current.versions if one.model_id == agent.model_id] if current else []
    nodes = tuple(
        Node(
            current.name if current else "",
            "endpoints",
            {},
            (Badge(f"{one.weight} %", Light.GREEN if one.ready and one.weight else None),),
            (endpoints.describe(one),),
            one.ready_at,
        )
        for one in served
    )
    return Stage(
        Message("Endpoint"),
        nodes,
        Message("Not serving: nobody can ask it but you, by trying it."),
        Node(Message("Release it"), "releases", {"agent": agent.model_id}),
    )


def live_answers(agent: AgentVersion, live: tuple[TraceRow, ...], more: bool, serving: bool) -> Stage:
    """How many people asked, and the newest answer with what the scorers thought of it."""
    asks = {"agent": agent.model_id, "hours": str(DAYS * 24)}
    count = Message("{n} or more", n=len(live)) if more else str(len(live))
    nodes: tuple[Node, ...] = ()
    if live:
        nodes = (
            Node(Message("{n} in {days} days", n=count, days=DAYS), "traces", asks),
            Node(Message("The newest one"), "traces", {"trace": live[0].trace_id}, _scores(live[0]), (), live[0].time),
        )
    ask = Node(Message("Ask it"), "endpoints")
    try_it = Node(Message("Try it"), "agents", {"agent": agent.model_id, "view": "try"})
    return Stage(
        Message("Live answers"), nodes, Message("No live answer in {n} days.", n=DAYS), ask if serving else try_it
    )


def _prompt_node(name: str, number: int, notes: tuple[Message | str, ...], known: PromptVersion | None) -> Node:
    what, notes = Message("Version {n}", n=number), (name, *notes)
    if known is None:
        return Node(what, "prompts", {"prompt": name}, (Badge(Message("not found"), Light.RED),), notes)
    badges = (Badge(Message("live"), Light.GREEN),) if known.live else ()
    asks = {"prompt": name, "version": str(number), "view": "versions"}
    return Node(what, "prompts", asks, badges, notes, known.created_at)


def _evaluation(workspace: "Workspace", found: Evaluation) -> Node:
    """Its scores beside the gate's minimum of today, in words."""
    minimum = workspace.app.gate.minimum
    known = {name: score for name, score in found.scores.items() if score.mean is not None}
    below = [name for name, least in minimum.items() if name not in known or (known[name].mean or 0.0) < least]
    badge = Badge(Message("reaches the gate"), Light.GREEN)
    if below or found.rows < workspace.app.gate.rows:
        badge = Badge(Message("below the gate"), Light.RED)
    elif not minimum:
        badge = Badge(Message("no gate set"))
    scores = ", ".join(f"{name} {_told(score, minimum.get(name))}" for name, score in known.items())
    rows = Message("{n} questions, {failed} not answered", n=found.rows, failed=found.failed)
    prompted = bool(found.prompt_name)
    seen = (Badge(Message("prompt not seen"), Light.RED),) if prompted and not found.prompt_seen else ()
    what = Message("Prompt version {n}", n=found.prompt_version or found.requested_version or "–")
    what = what if prompted else Message("Without a prompt")
    return Node(what, "evaluations", {"run": found.run_id}, (badge, *seen), (scores, rows), found.created_at)


def _told(score: Score, least: float | None) -> str:
    """The mean as a share, or in the scorer's own units; where it is too low, beside what the gate asks for."""
    mean, shares = score.mean or 0.0, score.kind == PASS
    below = least is not None and mean < least
    return level(mean, shares) + (f" < {level(least, shares)}" if below and least is not None else "")


def _registered_node(agent: AgentVersion, version: ModelVersion, mine: list[Release]) -> Node:
    by = next((one for one in reversed(mine) if one.done("register")), None)
    light = {production.CHAMPION: Light.GREEN, production.CHALLENGER: Light.AMBER}
    badges = tuple(Badge(name, light.get(name)) for name in version.aliases)
    told = {str(message): message for message in (registering.description(agent, one) for one in mine)}
    # What people wrote over the description in MLflow is shown as they wrote it.
    description = told.get(version.description or "", version.description)
    return Node(
        Message("Version {n}", n=int(version.version)),
        "releases",
        {"release": str(by.id)} if by else {},
        badges,
        (description,) if description else (),
        datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
    )


def _version(workspace: "Workspace", agent: AgentVersion) -> ModelVersion | None:
    if agent.registered is None:
        return None
    with translated(Message("Reading the registered agents")):
        name, number = agents.registered_name(workspace), str(agent.registered)
        return existing(workspace.client.get_model_version, name, number)


def _scores(row: TraceRow) -> tuple[Badge, ...]:
    return tuple(
        Badge(name, Light.GREEN if passed else Light.RED, verdict=True) for name, passed in sorted(row.scores.items())
    )
