"""Align a judge with people by one of MLflow's optimisers: the result is a proposal with its agreement, never a version."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services import audit, jobs
from services.errors import ConflictError, NotFoundError, NotReadyError
from services.jobs import Job, State
from services.messages import Message, mark
from services.scorers import forms, health, kinds, records
from services.scorers.records import ScorerSpec
from services.verdicts import Verdict

if TYPE_CHECKING:
    from services.workspace import Workspace

KIND = "align_judge"
# MLflow's optimisers learn from ten answers at least, and as many are kept back to measure on.
LEAST, MOST = 20, 60
LEAST_OF_EACH = 4
STEPS, CANDIDATES, BATCH = 4, 4, 10
REWRITES = 10
OPTIMIZERS = {
    "simba": mark("Advice and examples (SIMBA): a model says what it would have had to look at, and good verdicts are quoted"),
    "gepa": mark("Rewriting (GEPA): a model writes the instructions anew, better ones are kept and rewritten again"),
}  # fmt: skip
PACKAGES = {"simba": ("dspy",), "gepa": ("dspy", "gepa")}


@dataclass(frozen=True)
class Agreed:
    """How often a text agreed with people on the answers that were kept back; `failed` gave no verdict there."""

    n: int
    agreed: int
    kappa: float | None
    low: float | None
    high: float | None
    failed: int


@dataclass(frozen=True)
class Outcome:
    """What an optimiser wrote for version `base`, learned from `learned` answers, and both texts' agreement on others."""

    job_id: int
    spec: ScorerSpec
    base: int
    learned: int
    before: Agreed
    after: Agreed
    verdict: Verdict
    changed: bool
    refused: Message | None


def optimizers() -> list[str]:
    """The optimisers whose packages are installed."""
    return [name for name, needed in PACKAGES.items() if all(importlib.util.find_spec(one) for one in needed)]


def can(spec: ScorerSpec) -> bool:
    """Whether its text can be aligned: a judge in one's own words of single answers, without their traces."""
    named = set(kinds.VARIABLE.findall(str(spec.settings.get("instructions", ""))))
    return spec.kind == "judge" and not named & {"trace", "conversation"}


def blockers(workspace: "Workspace", spec: ScorerSpec, opinions: Mapping[bool, int]) -> list[tuple[Message, Message]]:
    """Why it cannot start, each with the next step; `opinions` counts the answers that people passed and failed."""
    found = []
    if not optimizers():
        found.append((
            Message("MLflow's optimisers for judges are not installed."),
            Message("An engineer adds them with: pip install dspy gepa. Then start the console again."),
        ))  # fmt: skip
    if workspace.settings.practice:
        found.append((
            Message("The practice model follows rules and cannot learn from people."),
            Message("Connect a language model by OPENAI_BASE_URL and OPENAI_API_KEY, then start the console again."),
        ))  # fmt: skip
    n = sum(opinions.values())
    if n < LEAST:
        found.append((
            Message("People judged {n} {n:answer|answers}; {least} are needed: half to learn from, half to measure.", n=n, least=LEAST),
            Message("Give answers a thumb on the Traces screen, or say your own verdict in an evaluation."),
        ))  # fmt: skip
    elif min(opinions.values()) < LEAST_OF_EACH:
        found.append((
            Message(
                "People passed {passed} answers and failed {failed}; at least {least} of each are needed.",
                passed=opinions[True], failed=opinions[False], least=LEAST_OF_EACH,
            ),
            Message("Judge more answers of the kind that is rare."),
        ))  # fmt: skip
    return found


def calls(optimizer: str, answers: int) -> int:
    """About how many model calls it takes."""
    used = min(answers, MOST)
    learning = used // 2
    tried = STEPS * BATCH * (2 * CANDIDATES + 1) + (CANDIDATES + 1) * learning
    return used + (REWRITES * learning if optimizer == "gepa" else tried)


def start(workspace: "Workspace", name: str, optimizer: str) -> Job:
    """Queue the optimiser for the newest version; raises NotReadyError with the first blocker."""
    spec = next((one for one in records.all(workspace) if one.name == name and can(one)), None)
    if spec is None:
        raise NotFoundError(Message("There is no scorer {name}.", name=name), Message("Open the list of scorers."))
    audit.require(workspace, forms.verb_of(spec))
    for message, remedy in blockers(workspace, spec, health.counted(health.people(workspace, spec))):
        raise NotReadyError(message, remedy)
    args = {"name": name, "version": spec.version, "optimizer": optimizer}
    return jobs.submit(workspace, KIND, args, exclusive=f"{KIND}:{workspace.app.id}:{name}")


def latest(workspace: "Workspace", name: str) -> Job | None:
    """The newest run for this judge, also one that is still going or failed."""
    return next((one for one in jobs.recent(workspace, KIND, limit=50) if one.args["name"] == name), None)


def outcome(job: Job) -> Outcome | None:
    """What a finished run wrote; None while it goes on, and after a failure."""
    if job.state is not State.DONE:
        return None
    stored: Mapping[str, Any] = job.result
    return Outcome(
        job_id=job.id,
        spec=ScorerSpec(**stored["spec"]),
        base=job.args["version"],
        learned=stored["learned"],
        before=Agreed(**stored["before"]),
        after=Agreed(**stored["after"]),
        verdict=Verdict.from_json(stored["verdict"]),
        changed=stored["changed"],
        refused=Message.from_json(stored["refused"]) if stored["refused"] else None,
    )


def take(workspace: "Workspace", job_id: int) -> ScorerSpec:
    """Keep what was written as the judge's next version; raises ConflictError when the judge was changed since."""
    job = jobs.get(workspace, job_id)
    found = outcome(job) if job.kind == KIND else None
    if found is None:
        raise NotFoundError(
            Message("There is no proposal under the number {id}.", id=job_id), Message("Align the judge again.")
        )
    newest = next((one for one in records.all(workspace) if one.name == found.spec.name), None)
    if newest is None or newest.version != found.base:
        raise ConflictError(
            Message("The judge {name} was changed since it was aligned.", name=found.spec.name),
            Message("Align the newest version instead."),
        )
    forms.check(workspace, found.spec)
    return records.keep(workspace, replace(found.spec, version=0), forms.verb_of(found.spec), f"job {job_id}")
