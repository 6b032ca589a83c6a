"""What really behaves differently between platforms: four small protocols and the facts they speak in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from services.messages import Message
from services.sources import Source

if TYPE_CHECKING:
    from mlflow.entities import Trace

    from services.jobs import Job
    from services.kinds import Kind
    from services.scorers import ScorerSpec
    from services.workspace import Workspace


class ServedState(StrEnum):
    """Where a served version stands."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


class Target(StrEnum):
    """How a platform serves an agent: in its usual way, as any other model on a CPU, or as an app."""

    AGENT = "agent"
    CPU = "cpu"
    APP = "app"


@dataclass(frozen=True)
class Rules:
    """What a serving platform accepts, as data, so that each interlock exists once.

    `capital_names`: an environment variable is named in capital letters. `fixed_environment`: those nobody may set.
    `overrides_config`: a deployment may change the settings that the agent was logged with.
    `secret_references`: a value such as {{secrets/scope/key}} is filled in by the platform. `declares_resources`: an
    agent may reach only what it was logged with. `scorers`: how many may judge one experiment, None without a limit.
    `fallback`: it can answer with a fixed message while an endpoint is offline. `copies`: it can give a version copies of
    the questions that another one answers.
    `recorded_by`: where the platform keeps who moved an alias or an endpoint, None where nobody does.
    `targets`: the ways in which it serves an agent, the usual one first.
    `pythons`: the minor versions of Python that it is known to serve, none where nobody knows.
    `first_takes_all`: an endpoint's first version has all of the traffic from the start. `seconds_to_ready` is what a
    version is waited for, `usual_seconds` what it takes as a rule, `look_every` how often one may ask meanwhile.
    """

    name_length: int
    splits_traffic: bool
    served_versions: int
    known_environment: frozenset[str]
    capital_names: bool = False
    fixed_environment: frozenset[str] = frozenset()
    overrides_config: bool = True
    secret_references: bool = False
    declares_resources: bool = False
    scorers: int | None = None
    fallback: bool = False
    copies: bool = False
    recorded_by: str | None = None
    first_takes_all: bool = False
    targets: tuple[Target, ...] = (Target.AGENT,)
    pythons: tuple[str, ...] = ()
    seconds_to_ready: float = 120.0
    usual_seconds: float = 60.0
    look_every: float = 0.2


@dataclass(frozen=True)
class Served:
    """One agent version behind an endpoint; `weight` is its share of the traffic in percent.

    `asleep`: nobody asked for a while, so it runs nowhere and the next answer takes minutes. `shadow`: it gets copies of so
    many percent of the questions, and its answers go to nobody; `copied` so many since that began, `dropped` were left out.
    """

    version: int
    model_id: str
    weight: int
    state: ServedState
    error: str | None = None
    ready_at: datetime | None = None
    asked_at: datetime | None = None
    seconds_to_ready: float | None = None
    asleep: bool = False
    shadow: int = 0
    copied: int = 0
    dropped: int = 0

    @property
    def ready(self) -> bool:
        return self.state is ServedState.READY


@dataclass(frozen=True)
class Endpoint:
    """A stable address and the versions behind it, newest first; `page` is where the platform shows it itself."""

    name: str
    url: str
    versions: tuple[Served, ...]
    page: str | None = None

    @property
    def live(self) -> tuple[Served, ...]:
        """The versions that take ordinary traffic now."""
        return tuple(version for version in self.versions if version.weight and version.ready)

    def version(self, number: int) -> Served | None:
        return next((version for version in self.versions if version.version == number), None)


@dataclass(frozen=True)
class Answer:
    """One answer of an endpoint; `prompt_version` is what the agent says it used."""

    text: str
    trace_id: str | None
    prompt_name: str | None
    prompt_version: int | None
    model: str | None
    seconds: float
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Delta:
    """A piece of a streamed answer, tools that the agent used meanwhile, or how far one of them has come (`progress`).

    The last one is `done`: its trace, its sources, what went wrong, if it was cut.
    """

    text: str = ""
    done: bool = False
    trace_id: str | None = None
    error: Message | None = None
    cut: bool = False
    sources: tuple[Source, ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()
    progress: str = ""


@dataclass(frozen=True)
class MonitoredScorer:
    """A scorer that judges a share (0..1) of production traffic, or of those traces that fit MLflow's filter `only`."""

    name: str
    version: int
    rate: float
    running: bool
    only: str = ""


class Serving(Protocol):
    """Where agent versions answer; deploy, shift, retire and dismantle are called by production.py only."""

    rules: Rules

    def of(self, target: Target) -> "Serving":
        """The part that serves in that way; a platform with one way is that part itself."""

    def refuses(self, workspace: "Workspace", kind: "Kind") -> tuple[Message, Message] | None:
        """Why an agent of that kind cannot be served in this way, and how to mend it; None when it can."""

    def trouble(self, workspace: "Workspace") -> Message | None:
        """Why nothing can be served at all right now; None when the platform is up."""

    def deploy(
        self, workspace: "Workspace", endpoint: str, version: int, model_id: str, model_config: Mapping[str, Any]
    ) -> None:
        """Start a version at 0 % of the traffic; asking again for the same version changes nothing."""

    def endpoint(self, workspace: "Workspace", endpoint: str) -> Endpoint | None: ...

    def ask(
        self,
        workspace: "Workspace",
        endpoint: str,
        request: Mapping[str, Any],
        version: int | None = None,
        timeout: float = 60,
    ) -> Answer:
        """One answer; with `version` from exactly that one, also at 0 %."""

    def stream(self, workspace: "Workspace", endpoint: str, request: Mapping[str, Any]) -> Iterator[Delta]: ...

    def shift(self, workspace: "Workspace", endpoint: str, weights: Mapping[int, int]) -> None:
        """Give each version its share of the traffic; the shares add up to 100."""

    def copy_questions(self, workspace: "Workspace", endpoint: str, version: int, percent: int) -> None:
        """Give a version without traffic copies of so many percent of the questions; its answers go to nobody. 0 ends it."""

    def retire(self, workspace: "Workspace", endpoint: str, version: int) -> None: ...

    def dismantle(self, workspace: "Workspace", endpoint: str) -> None:
        """Take the endpoint away with every version behind it, also one that answers; one that is gone stays gone."""


class Scoring(Protocol):
    """What judges production traffic; `filters`: a scorer may judge only some of it."""

    filters: bool

    def apply(self, workspace: "Workspace", scorers: Sequence[MonitoredScorer]) -> None:
        """Make exactly these the production scorers."""

    def status(self, workspace: "Workspace") -> list[MonitoredScorer]: ...

    def refuses(self, spec: "ScorerSpec") -> Message | None:
        """Why this platform cannot judge live answers by the scorer; None when it can."""

    def standstill(self, workspace: "Workspace") -> Message | None:
        """Why nothing is judged although scorers run; None when something judges."""

    def soon(self, waiting: int) -> Message:
        """When so many answers without a verdict get theirs."""

    def resume(self, workspace: "Workspace") -> None:
        """Start the scoring again when nothing scores although scorers run."""

    def backfill(self, workspace: "Workspace", hours: float) -> "Job":
        """Score what was answered in the last `hours` and has no score yet."""


class History(Protocol):
    """How traces arrive; what they add up to is the read model's."""

    def settled(self, trace: "Trace") -> bool:
        """Whether all that describes the trace is stored: agent version, tags, state."""
