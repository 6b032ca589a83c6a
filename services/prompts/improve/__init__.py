"""Improve a prompt with one of MLflow's optimisers: the result is a draft with its scores, never a version."""

import importlib.util
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services import audit, datasets, jobs, prompts, scorers
from services.audit import Verb
from services.errors import NotFoundError, NotReadyError
from services.jobs import Job, State
from services.messages import Message, mark
from services.prompts import Content, drafts
from services.prompts.drafts import Aside, Draft
from services.verdicts import Verdict

if TYPE_CHECKING:
    from services.workspace import Workspace

KIND = "improve_prompt"
# GEPA asks its model through litellm.
PACKAGES = {"metaprompt": (), "gepa": ("gepa", "litellm")}
LEAST_ROWS, MOST_ROWS = 4, 60
OPTIMIZERS = {
    "metaprompt": mark("One rewrite: a model reads the prompt and its failures and writes it anew"),
    "gepa": mark("Many rewrites (GEPA): better ones are kept and rewritten again"),
}


@dataclass(frozen=True)
class Request:
    """What is to be improved, and on what it is measured; `rows` is how many questions of the dataset are used."""

    name: str
    version: int
    dataset_id: str
    scorers: tuple[str, ...]
    rows: int
    optimizer: str = "metaprompt"


@dataclass(frozen=True)
class ScoreChange:
    """How many of the held-out questions passed one scorer, with the old text and with the new one."""

    scorer: str
    before: int
    after: int


@dataclass(frozen=True)
class Outcome:
    """What an optimiser wrote, and how it did on `rows` questions that it never saw.

    `unjudged` counts the times a scorer itself failed; those count as not passed.
    """

    job_id: int
    name: str
    base: int
    optimizer: str
    ended_at: datetime | None
    content: Content
    rows: int
    scores: tuple[ScoreChange, ...]
    verdict: Verdict
    changed: bool
    unjudged: int
    refused: Message | None


def optimizers() -> list[str]:
    """The optimisers that are installed; GEPA comes with the extra of that name."""
    return [name for name, needed in PACKAGES.items() if all(importlib.util.find_spec(one) for one in needed)]


def blockers(workspace: "Workspace", request: Request) -> list[tuple[Message, Message]]:
    """Why the optimiser cannot start, each with the next step; asks nobody."""
    found = []
    if workspace.settings.practice:
        found.append((
            Message("The practice model follows rules and cannot write a better prompt."),
            Message("Connect a language model by OPENAI_BASE_URL and OPENAI_API_KEY, then start the console again."),
        ))  # fmt: skip
    if not request.scorers:
        found.append((Message("Without a scorer nothing says what better is."), Message("Choose at least one scorer.")))
    if request.rows < LEAST_ROWS:
        found.append((
            Message("At least {n} questions are needed: half to learn from, half to measure.", n=LEAST_ROWS),
            Message("Choose a larger dataset, or add questions to this one."),
        ))  # fmt: skip
    if request.optimizer not in optimizers():
        found.append((Message("This optimiser is not installed."), Message("Choose another one.")))
    return found


def calls(workspace: "Workspace", request: Request) -> int:
    """About how many model calls it takes, those of judging scorers included."""
    judging = sum(scorers.needs_judge(spec) for spec in scorers.all(workspace) if spec.name in request.scorers)
    # Half of the questions are asked twice or ten times, the other half twice; GEPA rewrites after six answers.
    rounds, rewrites = (2, 1) if request.optimizer == "metaprompt" else (6, request.rows)
    return request.rows * rounds * (1 + judging) + rewrites


def start(workspace: "Workspace", request: Request) -> Job:
    """Queue the optimiser; raises NotReadyError with the first blocker. One runs per prompt and person at a time."""
    audit.require(workspace, Verb.IMPROVE_PROMPT)
    prompts.version(workspace, request.name, request.version)
    rows = min(request.rows, MOST_ROWS, datasets.get(workspace, request.dataset_id).rows)
    request = replace(request, rows=rows)
    for message, remedy in blockers(workspace, request):
        raise NotReadyError(message, remedy)
    exclusive = f"{KIND}:{workspace.app.id}:{request.name}:{workspace.actor.id}"
    return jobs.submit(workspace, KIND, {"request": asdict(request)}, exclusive=exclusive)


def latest(workspace: "Workspace", name: str) -> Job | None:
    """The actor's newest optimiser run of this prompt, also one that is still running or failed."""
    return next(iter(_mine(workspace, name)), None)


def latest_outcome(workspace: "Workspace", name: str) -> Outcome | None:
    """What the actor's newest finished run wrote; a later one that failed, or was cancelled, takes nothing away."""
    return next((found for found in map(outcome, _mine(workspace, name)) if found), None)


def outcome(job: Job) -> Outcome | None:
    """What a finished run wrote; None while it runs, and after a failure."""
    if job.state is not State.DONE:
        return None
    stored: Mapping[str, Any] = job.result
    return Outcome(
        job_id=job.id,
        name=job.args["request"]["name"],
        base=job.args["request"]["version"],
        optimizer=job.args["request"]["optimizer"],
        ended_at=job.ended_at,
        content=Content.from_json(stored["content"]),
        rows=stored["rows"],
        scores=tuple(ScoreChange(**one) for one in stored["scores"]),
        verdict=Verdict.from_json(stored["verdict"]),
        changed=stored["changed"],
        unjudged=stored["unjudged"],
        refused=Message.from_json(stored["refused"]) if stored["refused"] else None,
    )


def take(workspace: "Workspace", job_id: int, note: str) -> Draft:
    """Make the optimiser's text the actor's draft; what the actor had written is set aside, not lost."""
    job = jobs.get(workspace, job_id)
    found = outcome(job) if job.kind == KIND else None
    if found is None:
        raise NotFoundError(
            Message("There is no improved text under the number {id}.", id=job_id),
            Message("Start the optimiser again."),
        )
    own = drafts.mine(workspace, found.name)
    draft = Draft(
        name=found.name,
        content=found.content,
        note=note,
        base=found.base,
        revision=own.revision if own else 0,
        set_aside=(Aside.now(own.content),) if own else (),
    )
    return drafts.keep(workspace, draft)


def _mine(workspace: "Workspace", name: str) -> list[Job]:
    """The newest first."""
    found = jobs.recent(workspace, KIND, limit=50)
    return [one for one in found if one.actor == workspace.actor.id and one.args["request"]["name"] == name]
