"""What the interlocks look at, and what they say."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pandas as pd

from services import datasets, evaluations, scorers, verdicts
from services.agents import AgentVersion
from services.errors import InvalidInputError
from services.evaluations import Evaluation, noise
from services.messages import Message
from services.prompts import PromptVersion
from services.verdicts import Verdict, VerdictSettings

if TYPE_CHECKING:
    from services.workspace import Workspace


class Light(StrEnum):
    """Green: clear. Amber: know this. Red: the release may not pass. Without a light: there is nothing here to check."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """What one interlock found; red blocks. `screen` is where the next step is done, `asks` what to choose there.

    `critical`: the critical questions that fail, by row id.
    """

    number: int
    title: Message
    light: Light
    found: Message
    why: Message
    mend: Message | None = None
    screen: str = ""
    asks: Mapping[str, str] = field(default_factory=dict)
    critical: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        parts = {"title": self.title, "found": self.found, "why": self.why, "mend": self.mend}
        written = {name: part.to_json() if part else None for name, part in parts.items()}
        place = {"screen": self.screen, "asks": dict(self.asks), "critical": dict(self.critical)}
        return {"number": self.number, "light": self.light.value, **place, **written}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Finding":
        parts = {
            name: Message.from_json(stored[name]) if stored[name] else None
            for name in ("title", "found", "why", "mend")
        }
        place = {"screen": stored.get("screen", ""), "asks": stored.get("asks", {})}
        place["critical"] = stored.get("critical", {})
        return cls(number=stored["number"], light=Light(stored["light"]), **place, **parts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Interlock:
    """The number, the title and the reason of one interlock; its lights are made here."""

    number: int
    title: Message
    why: Message

    def green(self, found: Message) -> Finding:
        return Finding(self.number, self.title, Light.GREEN, found, self.why)

    def amber(self, found: Message, mend: Message | None = None, screen: str = "") -> Finding:
        return Finding(self.number, self.title, Light.AMBER, found, self.why, mend, screen)

    def red(self, found: Message, mend: Message, screen: str = "", asks: Mapping[str, str] | None = None) -> Finding:
        return Finding(self.number, self.title, Light.RED, found, self.why, mend, screen, asks or {})

    def not_applicable(self, found: Message) -> Finding:
        return Finding(self.number, self.title, Light.NOT_APPLICABLE, found, self.why)


@dataclass(frozen=True)
class Circumstances:
    """What only the release knows: who must agree and did, what stands now, what stood when it was proposed.

    `unagreed` says what somebody decided that lets it not start, and what to do then. `own`: the people whose approval does not count. `good`:
    the proven release that is live, a way back after this one. `watching`: its scorers were started already. `sharing`:
    its canary has begun. `live` is what answers now; `then` what `Candidate.state` was.
    `staging_first`: the app wants what goes to production proven in staging; `staged` is the release that proved it.
    `starts` is when it is to start, None for now.
    """

    agreement: bool = False
    agreed_by: str | None = None
    unagreed: tuple[Message, Message] | None = None
    own: frozenset[str] = frozenset()
    good: int | None = None
    split: bool = False
    watching: bool = False
    sharing: bool = False
    live: tuple[str | None, int | None] | None = None
    then: Mapping[str, Any] = field(default_factory=dict)
    staging_first: bool = False
    staged: int | None = None
    starts: datetime | None = None


@dataclass(frozen=True)
class Candidate:
    """What a release wants to make live, and what it would replace, gathered once for all interlocks.

    `prompt` is None for an agent that asks no prompt of the app.
    """

    workspace: "Workspace"
    agent: AgentVersion
    prompt: PromptVersion | None
    live_agent: str | None
    live_prompt: int | None
    evaluation: Evaluation | None
    rows: pd.DataFrame
    baseline: Evaluation | None
    baseline_rows: pd.DataFrame
    dataset_sha256: str | None
    verdict: Verdict | None
    circumstances: Circumstances = field(default_factory=Circumstances)

    @property
    def state(self) -> dict[str, Any]:
        """What may not change between the proposal and the move, beside the pointers themselves."""
        content = self.prompt.content.to_json() if self.prompt else {}
        sent = {name: value for name, value in content.items() if name != "labels"}
        written = json.dumps(sent, sort_keys=True, ensure_ascii=False)
        return {
            "prompt": hashlib.sha256(written.encode()).hexdigest(),
            "scorers": {spec.name: spec.version for spec in scorers.all(self.workspace)},
            "baseline": self.baseline.run_id if self.baseline else None,
        }

    @property
    def prompt_version(self) -> int | None:
        return self.prompt.version if self.prompt else None

    @property
    def to_evaluate(self) -> dict[str, str]:
        """What the Evaluations screen is asked to run."""
        return {"agent": self.agent.model_id} | ({"version": str(self.prompt.version)} if self.prompt else {})

    @property
    def surroundings(self) -> dict[str, str]:
        """Where the Apps screen holds what the environment decides about the agent."""
        return {"view": "environments", "environment": self.workspace.app.environment.stage.value}


def candidate(
    workspace: "Workspace",
    agent: AgentVersion,
    prompt: PromptVersion | None,
    replaced: tuple[str | None, int | None],
    circumstances: Circumstances | None = None,
) -> Candidate:
    """Gather the facts: the evaluation of exactly this pair on today's dataset, and as baseline that of `replaced`.

    `replaced` is the agent's model id and the prompt version, None where it asks none. Raises InvalidInputError for a
    version in the trash.
    """
    live_agent, live_prompt = replaced
    if prompt is not None and prompt.trashed:
        raise InvalidInputError(
            Message("Version {n} of {name} is in the trash.", n=prompt.version, name=prompt.name),
            Message("Restore it, or choose another version."),
        )
    dataset = workspace.app.dataset_id
    sha256 = datasets.snapshot(workspace, dataset).sha256 if dataset else None
    done = [one for one in evaluations.all(workspace) if one.finished and one.dataset_sha256 == sha256]
    mine = _newest(done, agent.model_id, prompt.version if prompt else None)
    today = {spec.name: spec.version for spec in scorers.all(workspace)}
    alike = [one for one in done if all(one.scorers.get(name) == today.get(name) for name in _gating(workspace))]
    baseline = _newest(alike, live_agent, live_prompt)
    rows, baseline_rows = (
        evaluations.rows(workspace, one.run_id) if one else pd.DataFrame() for one in (mine, baseline)
    )
    compared = mine is not None and baseline is not None and mine.run_id != baseline.run_id
    settings = _settings(workspace)
    if mine and baseline and compared:
        settings = noise.known(workspace, (mine, baseline), _gating(workspace), settings, done)
    verdict = verdicts.compare(rows, baseline_rows, _gating(workspace), settings) if compared else None
    return Candidate(
        workspace=workspace,
        agent=agent,
        prompt=prompt,
        live_agent=live_agent,
        live_prompt=live_prompt,
        evaluation=mine,
        rows=rows,
        baseline=baseline,
        baseline_rows=baseline_rows,
        dataset_sha256=sha256,
        verdict=verdict,
        circumstances=circumstances or Circumstances(),
    )


def _settings(workspace: "Workspace") -> VerdictSettings:
    return VerdictSettings(margin=workspace.app.gate.margin, scales=workspace.app.gate.scales)


def _gating(workspace: "Workspace") -> list[str]:
    return list(workspace.app.gate.minimum)


def _newest(done: list[Evaluation], model_id: str | None, version: int | None) -> Evaluation | None:
    """Without a version only one that was asked without a prompt: no version is shown also where traces disagree."""
    if model_id is None:
        return None
    mine = [one for one in done if one.model_id == model_id and one.prompt_version == version]
    fitting = mine if version is not None else [one for one in mine if not (one.prompt_name or one.outside)]
    return fitting[0] if fitting else None
