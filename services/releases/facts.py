"""What a release is: what moves from where to where, how far it is, and what proves it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.apps import Stage
from services.database import now
from services.interlocks import Finding, Light
from services.messages import Message
from services.releases.plan import Action, Plan, Way, split, watched


class Kind(StrEnum):
    """Which pointer moves: the alias, the traffic, or either one back; an adoption takes over what others moved."""

    PROMPT = "prompt"
    AGENT = "agent"
    ROLLBACK = "rollback"
    ADOPTION = "adoption"


class State(StrEnum):
    """Where a release stands."""

    PROPOSED = "proposed"
    RUNNING = "running"
    BLOCKED = "blocked"
    FAILED = "failed"
    STOPPED = "stopped"
    UNPROVEN = "unproven"
    LIVE = "live"
    TAKEN_BACK = "taken back"
    WITHDRAWN = "withdrawn"


STEPS: dict[Kind, tuple[str, ...]] = {
    Kind.AGENT: ("preflight", "register", "scorers", "deploy", "ready", "smoke", "shift", "proof"),
    Kind.PROMPT: ("preflight", "scorers", "shift", "proof"),
    Kind.ROLLBACK: ("ready", "shift", "proof"),
    Kind.ADOPTION: ("shift", "proof"),
}
MOVE, KEEP = "move", "keep"
FREEZE = 17
UNANSWERED = ": unanswered copies"
UNFINISHED = (State.PROPOSED, State.RUNNING, State.BLOCKED, State.FAILED, State.STOPPED, State.UNPROVEN)


@dataclass(frozen=True)
class Pair:
    """What answers people: one agent version with one prompt version."""

    model_id: str | None
    agent_version: int | None
    prompt_version: int | None


@dataclass(frozen=True)
class Step:
    """One step of the train; `state` is waiting, running, done or failed."""

    name: str
    state: str
    detail: Message | None
    handle: dict[str, Any]
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def seconds(self) -> float | None:
        if self.started_at is None:
            return None
        return ((self.ended_at or now()) - self.started_at).total_seconds()


@dataclass(frozen=True)
class Proof:
    """That the served process answered with the released pair, seen in the trace of its own answer.

    `prompt_version` is None where the agent asks no prompt: the trace shows the agent version alone.
    """

    trace_id: str
    prompt_version: int | None
    model_id: str
    seconds: float
    probes: int


@dataclass(frozen=True)
class Release:
    """One move of what answers in one environment (`stage`), from `before` to `after`.

    `basis` is what the interlocks judged by when they were asked last: the run ids of `evaluation` and `baseline`, the
    `verdict` and the `gate` as JSON; empty before, and where nothing is judged. `canary` is None where all the traffic
    moves at once; `overruled` are its steps that somebody let pass although harm was shown, or with UNANSWERED behind
    their name although copies were never answered; `decided` says by step what
    was chosen after an A/B test (MOVE or KEEP) and why. `due_at` while it waits for its time. `registered` is the number
    that the agent version had in the registry before the proposal.
    """

    id: int
    kind: Kind
    stage: Stage
    state: State
    prompt_name: str
    before: Pair
    after: Pair
    undoes: int | None
    restores: int | None
    registered: int | None
    evaluation: str | None
    basis: Mapping[str, Any]
    canary: Plan | None
    overruled: tuple[str, ...]
    decided: Mapping[str, Mapping[str, str]]
    findings: tuple[Finding, ...]
    checked_at: datetime | None
    steps: tuple[Step, ...]
    proof: Proof | None
    error: Message | None
    remedy: Message | None
    why: str
    actor: str
    job_id: int | None
    working: bool
    stopping: bool
    due_at: datetime | None
    revision: int
    created_at: datetime
    ended_at: datetime | None

    @property
    def agent_version(self) -> int:
        """The registered number of what it makes live; 0 before it has one."""
        return self.after.agent_version or 0

    @property
    def promised(self) -> Pair:
        """What is to answer people, with the agent's number as soon as it has one, also before this release asks for it."""
        return replace(self.after, agent_version=self.after.agent_version or self.registered)

    @property
    def prompt_version(self) -> int:
        return self.after.prompt_version or 0

    @property
    def prompted(self) -> bool:
        """Whether what it makes live asks a prompt of the app; `prompt_name` is empty where it does not."""
        return self.after.prompt_version is not None

    @property
    def finishing(self) -> bool:
        """Whether it has ended, and its job only keeps the evidence and clears away what nobody needs."""
        return self.working and self.state is not State.RUNNING

    @property
    def startable(self) -> bool:
        """Whether it can be started, or resumed where it stopped."""
        return self.state in UNFINISHED and not self.working

    @property
    def judged(self) -> bool:
        """Whether interlocks and people decide on it: a way back waits for nobody, and what is live is live already."""
        return self.kind in (Kind.PROMPT, Kind.AGENT)

    @property
    def held(self) -> bool:
        """Whether an interlock must be mended before it can start."""
        return self.state is State.PROPOSED and bool(self._red)

    @property
    def held_later(self) -> bool:
        """Whether it could not be planned for later either: a freeze period holds it in its own days alone."""
        return self.state is State.PROPOSED and bool(self._red - {FREEZE})

    @property
    def _red(self) -> set[int]:
        return {one.number for one in self.findings if one.light is Light.RED}

    @property
    def checkable(self) -> bool:
        """Whether the interlocks can be asked anew: it waits for its start, or they have blocked it."""
        return self.judged and self.startable and self.state in (State.PROPOSED, State.BLOCKED) and not self.moving

    @property
    def moved_at(self) -> datetime | None:
        """When it moved the pointer; None when it did not."""
        moved = [one for one in self.steps if one.name == "shift"]
        counts = moved and (moved[0].state == "done" or self.state is State.UNPROVEN)
        return moved[0].ended_at if counts else None

    @property
    def sharing(self) -> bool:
        """Whether its canary has begun: two versions may share the traffic, and that is as it should be."""
        return any(split(one.name) and one.state != "waiting" for one in self.steps)

    @property
    def watching(self) -> bool:
        """Whether its new version is being compared, in its canary or in the shadow, or was."""
        return any(watched(one.name) and one.state != "waiting" for one in self.steps)

    @property
    def choosing(self) -> str | None:
        """The step of its A/B test that has its answers and waits until somebody chooses."""
        if not self.working or self.decided:
            return None
        tests = (one for one in self.steps if one.name.startswith(Way.TEST) and one.state == "running")
        return next((one.name for one in tests if one.handle.get("waits")), None)

    @property
    def harmed(self) -> str | None:
        """The step under way in which harm was shown and that goes back, or on, only when somebody says so."""
        if self.canary is None or self.canary.action is not Action.RECOMMEND:
            return None
        return self._under_way("harm", "")

    @property
    def unanswered(self) -> str | None:
        """The shadow under way that does not lead on, because too many of its copies were never answered."""
        return self._under_way("holds", UNANSWERED)

    @property
    def waits(self) -> bool:
        """Whether it is under way and goes no further until somebody decides."""
        return bool(self.choosing or self.harmed or self.unanswered)

    def _under_way(self, found: str, also: str) -> str | None:
        """The step that compares now and in which that was found, until somebody lets it pass."""
        now = [one for one in self.steps if self.working and watched(one.name) and one.state == "running"]
        held = (one.name for one in now if one.handle.get(found) and one.name + also not in self.overruled)
        return next(held, None)

    @property
    def moving(self) -> bool:
        """Whether its pointer has begun to move, perhaps not to the end."""
        return any(one.name == "shift" and one.state != "waiting" for one in self.steps)

    def done(self, name: str) -> bool:
        return any(one.name == name and one.state == "done" for one in self.steps)
