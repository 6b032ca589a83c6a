"""The interlocks: one function each, that says what it found, why it matters and how to mend it.

A new interlock is one function in CHECKS and its messages. `docs/interlocks.md` lists them for operators.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pandas as pd

from services import apps, datasets, evaluations, monitoring, prompts, scorers, verdicts
from services.agents import AgentVersion
from services.errors import BlockedError
from services.evaluations import Evaluation
from services.messages import Message
from services.production import ALIAS
from services.prompts import PromptVersion
from services.verdicts import Verdict

if TYPE_CHECKING:
    from services.workspace import Workspace

KNOWN_ALIASES = frozenset({ALIAS, "staging", "candidate"})


class Light(StrEnum):
    """Green: clear. Amber: know this. Red: the release may not pass."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Finding:
    """What one interlock found; red blocks."""

    number: int
    title: Message
    light: Light
    found: Message
    why: Message
    mend: Message | None = None

    def to_json(self) -> dict[str, Any]:
        parts = {"title": self.title, "found": self.found, "why": self.why, "mend": self.mend}
        written = {name: part.to_json() if part else None for name, part in parts.items()}
        return {"number": self.number, "light": self.light.value, **written}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Finding":
        parts = {
            name: Message.from_json(stored[name]) if stored[name] else None
            for name in ("title", "found", "why", "mend")
        }
        return cls(number=stored["number"], light=Light(stored["light"]), **parts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Candidate:
    """What a release wants to make live, and what it would replace, gathered once for all interlocks."""

    workspace: "Workspace"
    agent: AgentVersion
    prompt: PromptVersion
    live_agent: str | None
    live_prompt: int | None
    evaluation: Evaluation | None
    rows: pd.DataFrame
    baseline: Evaluation | None
    baseline_rows: pd.DataFrame
    dataset_sha256: str | None
    verdict: Verdict | None


def candidate(
    workspace: "Workspace", agent: AgentVersion, prompt: PromptVersion, live_agent: str | None, live_prompt: int | None
) -> Candidate:
    """Gather the facts: the evaluation of exactly this pair on today's dataset, and the live pair's as baseline."""
    dataset = workspace.app.dataset_id
    sha256 = datasets.snapshot(workspace, dataset).sha256 if dataset else None
    done = [one for one in evaluations.all(workspace) if one.finished and one.dataset_sha256 == sha256]
    mine = _newest(done, agent.model_id, prompt.version)
    baseline = _newest(done, live_agent, live_prompt)
    rows, baseline_rows = (
        evaluations.rows(workspace, one.run_id) if one else pd.DataFrame() for one in (mine, baseline)
    )
    compared = mine is not None and baseline is not None and mine.run_id != baseline.run_id
    verdict = verdicts.compare(rows, baseline_rows, _gating(workspace)) if compared else None
    return Candidate(
        workspace, agent, prompt, live_agent, live_prompt, mine, rows, baseline, baseline_rows, sha256, verdict
    )


def check(candidate: Candidate) -> list[Finding]:
    """Every interlock's finding, in order."""
    return [interlock(candidate) for interlock in CHECKS]


def hold(findings: list[Finding]) -> None:
    """Raise BlockedError naming the first red interlock."""
    red = [finding for finding in findings if finding.light is Light.RED]
    if red:
        raise BlockedError(
            Message(
                "Blocked by interlock {number}, {title}: {found}",
                number=red[0].number,
                title=red[0].title,
                found=red[0].found,
            ),
            red[0].mend,
        )


def evaluated(candidate: Candidate) -> Finding:
    """1: this exact agent version with this exact prompt version, on today's dataset, all rows present."""
    title = Message("Evaluated")
    why = Message("An answer that was never checked is a guess; another version's score says nothing about this one.")
    mend = Message(
        "Run an evaluation of this agent with prompt version {version} on the Evaluations screen.",
        version=candidate.prompt.version,
    )
    if candidate.dataset_sha256 is None:
        return Finding(
            1,
            title,
            Light.RED,
            Message("The app has no dataset."),
            why,
            Message("Create a dataset on the Datasets screen and choose it for releases."),
        )
    found = candidate.evaluation
    if found is None:
        missing = Message(
            "There is no finished evaluation of this agent with prompt version {version} on today's dataset.",
            version=candidate.prompt.version,
        )
        return Finding(1, title, Light.RED, missing, why, mend)
    if len(candidate.rows) < found.rows:
        part = Message("Only {present} of {rows} rows are present.", present=len(candidate.rows), rows=found.rows)
        return Finding(1, title, Light.RED, part, why, mend)
    whole = Message(
        "Evaluated on {rows} rows; {failed} failed and count as failures.", rows=found.rows, failed=found.failed
    )
    return Finding(1, title, Light.AMBER if found.failed else Light.GREEN, whole, why)


def gate(candidate: Candidate) -> Finding:
    """2: minimum rows, minimum scores, no new failure on a critical row, not worse than what is live."""
    title = Message("Gate")
    why = Message("The gate is the promise that a change may not make answers worse than agreed.")
    wanted = candidate.workspace.app.gate
    if not wanted.minimum:
        return Finding(
            2,
            title,
            Light.RED,
            Message("The gate asks for nothing yet."),
            why,
            Message("Set the minimum scores on the Apps screen."),
        )
    found = candidate.evaluation
    if found is None:
        return Finding(
            2, title, Light.RED, Message("There is nothing to judge yet."), why, Message("Run the evaluation first.")
        )
    problem = _gate_problem(candidate, found)
    if problem is not None:
        return Finding(
            2,
            title,
            Light.RED,
            problem,
            why,
            Message("Open the evaluation, look at the failed rows, and write a better prompt version."),
        )
    if candidate.verdict is None:
        return Finding(
            2, title, Light.GREEN, Message("Every minimum is reached. Nothing is live to compare with."), why
        )
    compared = Message(
        "Every minimum is reached. Compared with what is live: {better} rows better, {worse} worse.",
        better=candidate.verdict.better,
        worse=candidate.verdict.worse,
    )
    return Finding(2, title, Light.GREEN, compared, why)


def uses_prompt(candidate: Candidate) -> Finding:
    """3: the agent really answers with the registered prompt, as its own traces show."""
    title = Message("Prompt in use")
    why = Message("An agent that ignores its prompt answers the same whatever is promoted.")
    links = candidate.agent.links
    if not links.agree:
        return Finding(
            3,
            title,
            Light.RED,
            Message("The agent's three links to its prompt disagree: {links}.", links=links.sentence),
            why,
            Message("Log the agent again on the Agents screen."),
        )
    if candidate.agent.pinned is None and candidate.agent.prompt_alias != ALIAS:
        return Finding(
            3,
            title,
            Light.RED,
            Message(
                "The agent follows the alias “{alias}”, not “{wanted}”.",
                alias=candidate.agent.prompt_alias,
                wanted=ALIAS,
            ),
            why,
            Message("Log the agent again so that it follows production."),
        )
    if candidate.agent.pinned not in (None, candidate.prompt.version):
        return Finding(
            3,
            title,
            Light.RED,
            Message("The agent is pinned to prompt version {version}.", version=candidate.agent.pinned),
            why,
            Message("Choose that prompt version, or log an agent that follows production."),
        )
    if candidate.evaluation is None:
        return Finding(
            3,
            title,
            Light.RED,
            Message("No trace shows which prompt this agent uses."),
            why,
            Message("Run the evaluation first."),
        )
    if not candidate.evaluation.prompt_seen:
        return Finding(
            3,
            title,
            Light.RED,
            Message("The evaluation's traces do not show the prompt's text in the model's input."),
            why,
            Message("Mend the agent's code: it must load the prompt and send it to the model."),
        )
    return Finding(
        3,
        title,
        Light.GREEN,
        Message(
            "Every trace of the evaluation shows prompt version {version} in the model's input.",
            version=candidate.prompt.version,
        ),
        why,
    )


def variables_supplied(candidate: Candidate) -> Finding:
    """4: the app supplies every variable of the template."""
    title = Message("Variables")
    why = Message("A variable that nobody fills breaks every answer at the moment of the move.")
    supplied = set(candidate.workspace.app.variables) | apps.RUNTIME_VARIABLES
    missing = sorted(candidate.prompt.variables - supplied)
    if missing:
        return Finding(
            4,
            title,
            Light.RED,
            Message("The app does not supply: {names}.", names=", ".join(missing)),
            why,
            Message("Add the variable on the Apps screen, or take it out of the prompt."),
        )
    return Finding(4, title, Light.GREEN, Message("The app supplies every variable of the prompt."), why)


def aliases_known(candidate: Candidate) -> Finding:
    """5: only production, staging and candidate are used as aliases."""
    title = Message("Aliases")
    why = Message("MLflow accepts a misspelt alias without a word, and the app goes on reading the right one.")
    found = prompts.aliases(candidate.workspace, candidate.prompt.name)
    unknown = sorted(set(found) - KNOWN_ALIASES)
    if unknown:
        return Finding(
            5,
            title,
            Light.AMBER,
            Message("The prompt carries aliases that nothing reads: {names}.", names=", ".join(unknown)),
            why,
            Message("Remove them in MLflow, or ask who set them."),
        )
    return Finding(5, title, Light.GREEN, Message("Only known aliases are used."), why)


def scorers_ready(candidate: Candidate) -> Finding:
    """6: the scorers that gated are the ones that will watch production, in the same versions."""
    title = Message("Production scorers")
    why = Message(
        "Production is watched with the same checks that let the release pass, started before it is deployed."
    )
    specs = {spec.name: spec.version for spec in scorers.all(candidate.workspace)}
    gone = sorted(set(candidate.workspace.app.gate.minimum) - set(specs))
    if gone:
        return Finding(
            6,
            title,
            Light.RED,
            Message("The gate names scorers that do not exist: {names}.", names=", ".join(gone)),
            why,
            Message("Create them on the Scorers screen, or change the gate on the Apps screen."),
        )
    used = candidate.evaluation.scorers if candidate.evaluation else {}
    changed = sorted(name for name, version in used.items() if specs.get(name, version) != version)
    if changed:
        return Finding(
            6,
            title,
            Light.RED,
            Message("Scorers were changed after the evaluation: {names}.", names=", ".join(changed)),
            why,
            Message("Run the evaluation again with today's scorers."),
        )
    running = [one for one in monitoring.production_scorers(candidate.workspace) if one.running]
    state = (
        Message("Running now: {n}.", n=len(running))
        if running
        else Message("They start in this release, before anything is deployed: {n}.", n=len(specs))
    )
    return Finding(6, title, Light.GREEN, state, why)


def names_fit(candidate: Candidate) -> Finding:
    """7: the endpoint's name is explicit, short enough and not another app's."""
    title = Message("Names")
    why = Message("Platforms cut long names silently, and two apps on one endpoint overwrite each other.")
    workspace = candidate.workspace
    name, longest = workspace.app.endpoint, workspace.platform.serving.rules.name_length
    mend = Message("Change the endpoint's name on the Apps screen.")
    if not name or len(name) > longest:
        return Finding(
            7,
            title,
            Light.RED,
            Message("The endpoint's name must have 1 to {longest} characters.", longest=longest),
            why,
            mend,
        )
    others = [app.name for app in apps.all(workspace) if app.endpoint == name and app.id != workspace.app.id]
    if others:
        return Finding(
            7,
            title,
            Light.RED,
            Message("The endpoint {name} belongs to the app {other}.", name=name, other=others[0]),
            why,
            mend,
        )
    return Finding(7, title, Light.GREEN, Message("One registered model and one endpoint: {name}.", name=name), why)


CHECKS: tuple[Callable[[Candidate], Finding], ...] = (
    evaluated,
    gate,
    uses_prompt,
    variables_supplied,
    aliases_known,
    scorers_ready,
    names_fit,
)


def _gate_problem(candidate: Candidate, found: Evaluation) -> Message | None:
    wanted = candidate.workspace.app.gate
    if found.rows < wanted.rows:
        return Message(
            "The evaluation has {rows} rows; the gate asks for {wanted}.", rows=found.rows, wanted=wanted.rows
        )
    for name, minimum in wanted.minimum.items():
        score = found.scores.get(name)
        if score is None or score.mean is None:
            return Message("The scorer {name} judged no row.", name=name)
        if score.judged < found.rows - found.failed:
            return Message(
                "The scorer {name} judged only {judged} of {rows} rows.",
                name=name,
                judged=score.judged,
                rows=found.rows,
            )
        if score.mean < minimum:
            return Message(
                "{name} is {score}; the gate asks for at least {minimum}.",
                name=name,
                score=_percent(score.mean),
                minimum=_percent(minimum),
            )
    if candidate.verdict is not None and candidate.verdict.new_critical:
        return Message("Critical questions that pass today would fail: {n}.", n=len(candidate.verdict.new_critical))
    if candidate.verdict is not None and candidate.verdict.word == "worse":
        return Message(
            "It is worse than what is live: {worse} rows got worse, {better} got better.",
            worse=candidate.verdict.worse,
            better=candidate.verdict.better,
        )
    return None


def _gating(workspace: "Workspace") -> list[str]:
    return list(workspace.app.gate.minimum)


def _newest(done: list[Evaluation], model_id: str | None, version: int | None) -> Evaluation | None:
    if model_id is None or version is None:
        return None
    fitting = [one for one in done if one.model_id == model_id and one.prompt_version == version]
    return fitting[0] if fitting else None


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %".replace(".0 %", " %")
