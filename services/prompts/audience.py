"""Who gets what a prompt says: the agent versions that follow what is live, and the endpoint where they answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services import agents, apps, production
from services.agents import AgentVersion, shipping
from services.apps import Stage
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

ALWAYS_FILLED = apps.RUNTIME_VARIABLES | {"company_name"}


@dataclass(frozen=True)
class Reader:
    """An agent version that reads the prompt; `weight` is its share of the traffic, `pinned` its fixed version."""

    name: str
    number: int | None
    weight: int
    pinned: int | None
    config: Mapping[str, Any]

    @property
    def title(self) -> str:
        return f"{self.name} {self.number}" if self.number else self.name

    def lacks(self, variables: frozenset[str]) -> frozenset[str]:
        """Those of the variables that it was logged without; none where its config does not tell."""
        if "constants" not in self.config:
            return frozenset()
        return variables - ALWAYS_FILLED - shipping.variables(self.config) - set(self.config["constants"])


@dataclass(frozen=True)
class Elsewhere:
    """Another environment than production in which agent versions answer with the prompt."""

    stage: Stage
    endpoint: str
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Audience:
    """What a change of the prompt meets: what the app fills in, and who reads the prompt; `elsewhere` not in production."""

    supplied: frozenset[str] = ALWAYS_FILLED
    company: str = ""
    endpoint: str = ""
    readers: tuple[Reader, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def followers(self) -> tuple[Reader, ...]:
        """They use a version as soon as it is live; the ones that answer people come first."""
        return tuple(sorted((one for one in self.readers if one.pinned is None), key=lambda one: -one.weight))

    @property
    def config(self) -> Mapping[str, Any]:
        """The model config under which a version would answer; empty when no agent follows what is live."""
        return self.followers[0].config if self.followers else {}

    @property
    def sentences(self) -> tuple[Message, ...]:
        """Who would notice a change of what is live."""
        answering = [one for one in self.followers if one.weight]
        pinned = [one for one in self.readers if one.weight and one.pinned is not None]
        waiting = len(self.followers) - len(answering)
        told = [
            Message(
                "The endpoint {endpoint} answers with {agents}, which follows what is live: people get another version "
                "soon after its release.",
                endpoint=self.endpoint,
                agents=", ".join(one.title for one in answering),
            )
        ] if answering else []  # fmt: skip
        told += [
            Message(
                "The endpoint {endpoint} answers with {agent}, which always uses version {version}: people get another "
                "version only with a new agent version.",
                endpoint=self.endpoint,
                agent=one.title,
                version=one.pinned,
            )
            for one in pinned
        ]
        if not told:
            told.append(Message("No endpoint answers with this prompt now."))
        if waiting:
            told.append(Message("Agent versions that follow what is live and answer nobody now: {n}.", n=waiting))
        told += [
            Message(
                "In {stage}, the endpoint {endpoint} answers with {agents}: a release to production changes nothing there.",
                stage=Message(apps.TITLE[one.stage]),
                endpoint=one.endpoint,
                agents=", ".join(one.titles),
            )
            for one in self.elsewhere
        ]
        return tuple(told)


def of(workspace: "Workspace", name: str) -> Audience:
    """Read from the platform who reads the prompt now."""
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    shares = {one.model_id: one.weight for one in endpoint.live} if endpoint else {}
    logged = [one for one in agents.of_prompt(workspace, name) if one.status == "READY"]
    reading = [one for one in logged if one.pinned is not None or one.prompt_alias == production.ALIAS]
    return Audience(
        supplied=frozenset(workspace.app.variables) | ALWAYS_FILLED,
        company=workspace.app.company,
        endpoint=workspace.app.endpoint,
        readers=tuple(_reader(one, shares.get(one.model_id, 0)) for one in reading),
        elsewhere=tuple(_elsewhere(workspace, {one.model_id: one for one in reading})),
    )


def _elsewhere(workspace: "Workspace", reading: Mapping[str, AgentVersion]) -> Iterator[Elsewhere]:
    for place in apps.everywhere(workspace):
        if place.app.environment.live:
            continue
        endpoint = workspace.platform.serving.endpoint(place, place.app.endpoint)
        there = [one for one in endpoint.live if one.model_id in reading] if endpoint else []
        titles = tuple(_reader(reading[one.model_id], one.weight).title for one in there)
        if titles:
            yield Elsewhere(place.app.environment.stage, place.app.endpoint, titles)


def _reader(agent: AgentVersion, weight: int) -> Reader:
    return Reader(agent.name, agent.registered, weight, agent.pinned, agent.config)
