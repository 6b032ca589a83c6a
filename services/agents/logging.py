"""The logging job: ask the model, then let MLflow log the agent with its prompt."""

import json
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import LoggedModel

from services import audit, database, jobs, playground, production, prompts
from services.agents.form import AgentForm, check
from services.agents.records import ERROR_TAG
from services.audit import Verb
from services.errors import ConsoleError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

BUILT_IN = Path(__file__).parent.parent / "logged" / "responses_agent.py"
REQUIREMENTS = ("mlflow", "openai")
JOB_TAG = "signalbox.job"


def log(workspace: "Workspace", form: AgentForm) -> "Job":
    """Queue the logging of an agent; raises InvalidInputError for a file that cannot be one."""
    audit.require(workspace, Verb.LOG_AGENT)
    prompts.version(workspace, form.prompt_name, form.first_version)
    check(form)
    args = {"form": form.__dict__}
    return jobs.submit(workspace, "log_agent", args, exclusive=f"log_agent:{workspace.app.id}")


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The logging job: the model is asked first, then MLflow calls the agent once or twice while it logs it."""
    form = AgentForm(**work.args["form"])
    logged = _logged_by(workspace, work.job.id)
    if logged is None:
        work.progress(0, 2, Message("Asking the model"))
        playground.check_model(workspace, form.llm_model)
        work.progress(1, 2, Message("Logging the agent"))
        with audit.change(workspace, Verb.LOG_AGENT, form.name) as change:
            logged = _log(workspace, form, work.job.id)
            change.after = logged
    return {"model_id": logged}


def _log(workspace: "Workspace", form: AgentForm, job_id: int) -> str:
    """`prompts=` names the alias when it exists, else the first version: MLflow resolves it while logging."""
    pin = str(form.first_version) if form.pinned else ""
    followed = not form.pinned and production.alias(workspace, form.prompt_name) is not None
    full = workspace.full_name(form.prompt_name)
    at_alias, at_version = f"prompts:/{full}@{production.ALIAS}", f"prompts:/{full}/{form.first_version}"
    config = {
        "prompt_name": full,
        "prompt_alias": production.ALIAS,
        "prompt_version": pin,
        "llm_model": form.llm_model,
        "company_name": workspace.app.company,
        "constants": dict(workspace.app.constants),
        "prompt_cache_seconds": workspace.app.prompt_cache_seconds,
        "temperature": form.temperature,
        "max_output_tokens": form.max_output_tokens,
        "environment": "",
        "app_version": version_identifier(),
    }
    tags = {
        "prompt_name": full,
        "prompt_alias": production.ALIAS,
        "prompt_uri": at_version if form.pinned else at_alias,
        prompts.APP_TAG: workspace.app.id,
        prompts.AUTHOR_TAG: workspace.actor.id,
        JOB_TAG: str(job_id),
        "app_version": config["app_version"],
    }
    # Until a version is live, the agent's own check while logging needs to know which version to load.
    os.environ["SIGNALBOX_PROMPT_VERSION"] = "" if form.pinned else str(form.first_version)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "agent.py"
        file.write_text(form.source or BUILT_IN.read_text("utf-8"), "utf-8")
        return _keeping_the_reason(
            workspace,
            job_id,
            lambda: (
                mlflow.pyfunc.log_model(
                    name=form.name,
                    python_model=str(file),
                    model_config=config,
                    tags=tags,
                    prompts=[at_alias if followed else at_version],
                    pip_requirements=[f"{name}=={installed(name)}" for name in REQUIREMENTS],
                ).model_id
            ),
        )


def version_identifier() -> str:
    """Names a logging for people and for the trace: by its time, as MLflow's own examples do."""
    return f"v_{database.now():%Y%m%d_%H%M%S}"


def _keeping_the_reason(workspace: "Workspace", job_id: int, logging: Callable[[], str]) -> str:
    """Run MLflow's logging untraced; a LoggedModel that it leaves behind as FAILED is told why."""
    try:
        with translated(Message("Logging the agent"), foreign=True), mlflow.tracing.context(enabled=False):
            return logging()
    except ConsoleError as error:
        reason = json.dumps(error.message.to_json(), ensure_ascii=False)
        for model in _models_of(workspace, job_id):
            workspace.client.set_logged_model_tags(model.model_id, {ERROR_TAG: reason})
        raise


def _logged_by(workspace: "Workspace", job_id: int) -> str | None:
    """The model that an earlier attempt of the same job finished."""
    ready = [model.model_id for model in _models_of(workspace, job_id) if model.status.name == "READY"]
    return ready[0] if ready else None


def _models_of(workspace: "Workspace", job_id: int) -> list[LoggedModel]:
    found = workspace.client.search_logged_models(
        experiment_ids=[workspace.app.experiment_id], filter_string=f"tags.`{JOB_TAG}` = '{job_id}'"
    )
    return list(found)
