"""Begin an evaluation: check what must be mended first and queue the job; or let one go on that was cut off."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from services import agents, audit, datasets, endpoints, jobs, production, prompts
from services.audit import Verb
from services.errors import InvalidInputError, NotReadyError, translated
from services.evaluations import away, plan
from services.evaluations.plan import AWAY, HERE, MOST_REPEATS, Choice
from services.evaluations.records import from_mlflow
from services.evaluations.sources import AGENT, AGENT_SOURCE, ENDPOINT, TRACES, Source, infos
from services.evaluations.table import STOPPED_TAG
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job
    from services.workspace import Workspace

ALL_ROWS = Choice()
MOST_PER_MINUTE = 10_000


@dataclass(frozen=True)
class Stopped:
    """Of so many questions so many were asked; repeats count."""

    done: int
    rows: int


def start(
    workspace: "Workspace",
    model_id: str,
    prompt_version: int | None,
    dataset_id: str,
    *,
    repeats: int = 1,
    scorer_names: Sequence[str] | None = None,
    source: Source = AGENT_SOURCE,
    choice: Choice = ALL_ROWS,
    per_minute: int | None = None,
    where: str = HERE,
) -> "Job":
    """Queue an evaluation; without a prompt version the agent's own is asked. Raises what must be mended first.

    Only an agent version is named by `model_id` and `prompt_version`, and one without a prompt of the app by no version;
    existing answers need no dataset either. `where`: HERE, or AWAY on a workspace.
    """
    audit.require(workspace, Verb.EVALUATE)
    version = _version(workspace, model_id, prompt_version) if source.kind == AGENT else None
    if source.kind == ENDPOINT and not _served(workspace):
        raise NotReadyError(Message("Nothing answers at the endpoint now."), Message("Release an agent version first."))
    _check_rows(workspace, dataset_id, source, choice)
    _check_numbers(repeats, per_minute)
    if where == AWAY:
        away.check(workspace)
    if not plan.chosen(workspace, scorer_names):
        raise NotReadyError(
            Message("There are no scorers."), Message("Make one on the Scorers screen: it says what a good answer is.")
        )
    args: dict[str, Any] = {
        "model_id": model_id if source.kind == AGENT else "",
        "prompt_version": version,
        "dataset_id": dataset_id if source.kind != TRACES else "",
        "repeats": repeats if source.kind != TRACES else 1,
        "scorers": None if scorer_names is None else list(scorer_names),
        "choice": asdict(choice),
        "source": source.to_json(),
        "per_minute": per_minute,
        **({"where": where} if where == AWAY else {}),
    }
    told = hashlib.sha256(json.dumps(args, sort_keys=True).encode()).hexdigest()[:16]
    return jobs.submit(workspace, "evaluate", args, exclusive=f"evaluate:{workspace.app.id}:{told}")


def go_on(workspace: "Workspace", run_id: str) -> "Job":
    """Queue the rest of an evaluation that was cancelled or failed: what was done is not done again."""
    audit.require(workspace, Verb.EVALUATE)
    with translated(Message("Reading from MLflow")):
        made = from_mlflow(workspace.client.get_run(run_id))
    if made.unreadable:
        raise NotReadyError(
            Message("What this evaluation asked cannot be read any more."), Message("Start a new one instead.")
        )
    before = jobs.get(workspace, made.job_id)
    if before.live:
        return before
    return jobs.submit(workspace, "evaluate", {**before.args, "run_id": run_id}, exclusive=f"evaluate:{run_id}")


def stopped_at(workspace: "Workspace", run_id: str) -> Stopped | None:
    """How far a cancelled evaluation came; None for one that was not cancelled, or went on since."""
    with translated(Message("Reading from MLflow")):
        found = workspace.client.get_run(run_id)
    told = found.data.tags.get(STOPPED_TAG)
    return Stopped(**json.loads(told)) if told and found.info.status == "KILLED" else None


def _version(workspace: "Workspace", model_id: str, prompt_version: int | None) -> int | None:
    agent = agents.get(workspace, model_id)
    if agent.status != "READY":
        raise NotReadyError(
            Message("This agent version is not ready."), Message("Choose one that was logged without an error.")
        )
    if agent.prompt_name not in prompts.every_name(workspace):
        if prompt_version is not None:
            raise InvalidInputError(
                Message("This agent version asks no prompt of the app."),
                Message("Evaluate it without a prompt version."),
            )
        return None
    version = prompt_version or agent.pinned or production.alias(workspace, agent.prompt_name)
    if version is None:
        raise InvalidInputError(
            Message("No prompt version is live yet."), Message("Choose the prompt version to evaluate.")
        )
    prompts.version(workspace, agent.prompt_name, version)
    return version


def _served(workspace: "Workspace") -> bool:
    endpoint = endpoints.current(workspace)
    return endpoint is not None and bool(endpoint.live)


def _check_rows(workspace: "Workspace", dataset_id: str, source: Source, choice: Choice) -> None:
    if source.kind == TRACES:
        found = bool(infos(workspace, source))
        message = Message("No answer fits this choice."), Message("Choose a longer time, or leave out the words.")
    else:
        found = bool(choice.of(datasets.snapshot(workspace, dataset_id).rows))
        message = Message("No question fits this choice."), Message("Choose another split or topic.")
    if not found:
        raise InvalidInputError(*message)


def _check_numbers(repeats: int, per_minute: int | None) -> None:
    if not 1 <= repeats <= MOST_REPEATS:
        raise InvalidInputError(
            Message("A question can be asked 1 to {n} times.", n=MOST_REPEATS), Message("Choose a number in between.")
        )
    if per_minute is not None and not 1 <= per_minute <= MOST_PER_MINUTE:
        raise InvalidInputError(
            Message("The limit of requests per minute must be 1 to {n}.", n=MOST_PER_MINUTE),
            Message("Leave it empty for no limit."),
        )
