"""Where a version of a prompt is used: agent versions, evaluations, releases, live endpoints, traces."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import agents, apps, evaluations, production, releases, traces
from services.agents import AgentVersion
from services.apps import Stage
from services.evaluations import Evaluation
from services.messages import mark
from services.releases import Release
from services.traces import TraceQuery

if TYPE_CHECKING:
    from services.workspace import Workspace

DAYS = 30
MOST_TRACES = 500
PINNED, FOLLOWS, LOGGED = mark("always answers with it"), mark("follows what is live"), mark("was logged with it")


@dataclass(frozen=True)
class Answering:
    """An agent version that answers in an environment with the prompt version now, with its share of the traffic in percent."""

    stage: Stage
    endpoint: str
    model_id: str
    agent_version: int
    weight: int


@dataclass(frozen=True)
class Use:
    """Where one version is used; `agents` come with how; `more_traces` when only the newest were counted."""

    agents: tuple[tuple[AgentVersion, str], ...]
    evaluations: tuple[Evaluation, ...]
    releases: tuple[Release, ...]
    answering: tuple[Answering, ...]
    traces: int
    more_traces: bool

    @property
    def anywhere(self) -> bool:
        return any((self.agents, self.evaluations, self.releases, self.answering, self.traces))


def find(workspace: "Workspace", name: str, version: int) -> Use:
    """Everything that names the version, newest first, in a handful of reads however much there is."""
    places = apps.everywhere(workspace)
    live = production.alias(workspace, name) == version
    logged = [one for one in agents.of_prompt(workspace, name) if one.status == "READY"]
    counted, more = traces.count(workspace, traces_of(workspace, name, version), MOST_TRACES)
    return Use(
        agents=tuple((one, how) for one in logged if (how := _how(one, version, live))),
        evaluations=tuple(_evaluated(workspace, name, version)),
        releases=tuple(_released(places, name, version)),
        answering=tuple(
            one
            for place in places[::-1]
            for one in _answering(place, {one.model_id: one for one in logged}, name, version)
        ),
        traces=counted,
        more_traces=more,
    )


def traces_of(workspace: "Workspace", name: str, version: int) -> TraceQuery:
    """The live answers of the last DAYS that were given with the version."""
    return TraceQuery(hours=DAYS * 24, prompt=(workspace.full_name(name), version))


def _how(agent: AgentVersion, version: int, live: bool) -> str | None:
    if agent.pinned is not None:
        return PINNED if agent.pinned == version else None
    if live and agent.prompt_alias == production.ALIAS:
        return FOLLOWS
    return LOGGED if agent.linked == version else None


def _evaluated(workspace: "Workspace", name: str, version: int) -> list[Evaluation]:
    """Also those that asked for another version and got this one."""
    asked = {one.run_id: one for one in evaluations.of_prompt(workspace, name, version)}
    others = [one for one in evaluations.of_prompt(workspace, name) if one.prompt_version == version]
    everything = asked | {one.run_id: one for one in others}
    return sorted(everything.values(), key=lambda one: one.created_at, reverse=True)


def _released(places: list["Workspace"], name: str, version: int) -> list[Release]:
    """To every environment, newest first."""
    found = [one for place in places for one in releases.of_prompt(place, name) if version in _pair(one)]
    return sorted(found, key=lambda one: one.id, reverse=True)


def _pair(release: Release) -> tuple[int | None, int | None]:
    return release.before.prompt_version, release.after.prompt_version


def _answering(workspace: "Workspace", logged: dict[str, AgentVersion], name: str, version: int) -> list[Answering]:
    """In the workspace's environment, whose own alias its agents follow."""
    live, stage = production.alias(workspace, name) == version, workspace.app.environment.stage
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    if endpoint is None:
        return []
    served = [(one, logged[one.model_id]) for one in endpoint.live if one.model_id in logged]
    return [
        Answering(stage, endpoint.name, one.model_id, one.version, one.weight)
        for one, agent in served
        if _how(agent, version, live) in (PINNED, FOLLOWS)
    ]
