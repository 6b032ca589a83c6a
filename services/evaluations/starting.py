"""Begin an evaluation: check what must be mended first and queue the job."""

from typing import TYPE_CHECKING

from services import agents, audit, datasets, jobs, production, prompts, scorers
from services.audit import Verb
from services.errors import InvalidInputError, NotReadyError
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job
    from services.workspace import Workspace


def start(workspace: "Workspace", model_id: str, prompt_version: int | None, dataset_id: str) -> "Job":
    """Queue an evaluation; without a prompt version the agent's own is asked. Raises what must be mended first."""
    audit.require(workspace, Verb.EVALUATE)
    agent = agents.get(workspace, model_id)
    if agent.status != "READY":
        raise NotReadyError(
            Message("This agent version is not ready."), Message("Choose one that was logged without an error.")
        )
    version = prompt_version or agent.pinned or production.alias(workspace, agent.prompt_name)
    if version is None:
        raise InvalidInputError(
            Message("No prompt version is live yet."), Message("Choose the prompt version to evaluate.")
        )
    prompts.version(workspace, agent.prompt_name, version)
    datasets.snapshot(workspace, dataset_id)
    if not scorers.all(workspace):
        raise NotReadyError(
            Message("There are no scorers."), Message("Make one on the Scorers screen: it says what a good answer is.")
        )
    args = {"model_id": model_id, "prompt_version": version, "dataset_id": dataset_id}
    key = f"evaluate:{workspace.app.id}:{model_id}:{version}:{dataset_id}"
    return jobs.submit(workspace, "evaluate", args, exclusive=key)
