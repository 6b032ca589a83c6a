"""Agents: log one as a LoggedModel with its prompt, check its links, try it."""

import functools
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import LoggedModel
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.pyfunc import PyFuncModel

from services import audit, jobs, playground, production, prompts
from services.audit import Verb
from services.errors import ConsoleError, InvalidInputError, NotFoundError, is_missing, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

BUILT_IN = Path(__file__).parent / "logged" / "responses_agent.py"
REQUIREMENTS = ("mlflow", "openai")
JOB_TAG = "signalbox.job"
ERROR_TAG = "signalbox.error"
LONGEST_SOURCE = 1_000_000


@dataclass(frozen=True)
class AgentForm:
    """What the form asks for; without `source` the built-in agent is logged, with it that Python file."""

    name: str
    prompt_name: str
    first_version: int
    pinned: bool
    llm_model: str
    source: str | None = None


@dataclass(frozen=True)
class Links:
    """The prompt that an agent version names in three places: its `prompts`, its tags, its model config."""

    from_prompts: str | None
    from_tags: str | None
    from_config: str | None

    @property
    def agree(self) -> bool:
        return self.from_prompts is not None and self.from_prompts == self.from_tags == self.from_config

    @property
    def sentence(self) -> str:
        return f"prompts: {self.from_prompts or '–'}, tags: {self.from_tags or '–'}, model_config: {self.from_config or '–'}"


@dataclass(frozen=True)
class AgentVersion:
    """One LoggedModel; `status` is READY, PENDING or FAILED, `registered` its number in the registry."""

    model_id: str
    name: str
    created_at: datetime
    status: str
    llm_model: str
    prompt_name: str
    prompt_alias: str
    pinned: int | None
    registered: int | None
    links: Links
    error: str | None


def versions(workspace: "Workspace") -> list[AgentVersion]:
    """The app's agent versions, newest first, also the ones that failed to log."""
    with translated(Message("Reading the agents")):
        found = workspace.client.search_logged_models(experiment_ids=[workspace.app.experiment_id], max_results=200)
        registered = _registered(workspace)
    made = [_from_mlflow(one, registered.get(one.model_id)) for one in found]
    return sorted(made, key=lambda one: one.created_at, reverse=True)


def get(workspace: "Workspace", model_id: str) -> AgentVersion:
    """One agent version of this app; raises NotFoundError."""
    try:
        found = workspace.client.get_logged_model(model_id)
    except MlflowException as error:
        if is_missing(error):
            raise _missing(model_id) from error
        with translated(Message("Reading from MLflow")):
            raise
    if found.experiment_id != workspace.app.experiment_id:
        raise _missing(model_id)
    return _from_mlflow(found, _registered(workspace).get(model_id))


def log(workspace: "Workspace", form: AgentForm) -> "Job":
    """Queue the logging of an agent; raises InvalidInputError for a file that cannot be one."""
    audit.require(workspace, Verb.LOG_AGENT)
    prompts.version(workspace, form.prompt_name, form.first_version)
    if not form.name.strip() or set(form.name) & set("/:.%\"'"):
        raise InvalidInputError(
            Message("“{name}” cannot be an agent's name.", name=form.name),
            Message("Use letters, digits, blanks and hyphens."),
        )
    if form.source is not None:
        _check_source(form.source)
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


def try_out(workspace: "Workspace", model_id: str, prompt_version: int | None, question: str) -> "Job":
    """Queue one question to an agent that need not be deployed; the result has answer, trace_id, seconds."""
    audit.require(workspace, Verb.TRY_AGENT)
    agent = get(workspace, model_id)
    if prompt_version is None and agent.pinned is None and production.alias(workspace, agent.prompt_name) is None:
        raise InvalidInputError(Message("No prompt version is live yet."), Message("Choose the prompt version to try."))
    args = {"model_id": model_id, "prompt_version": prompt_version, "question": question}
    return jobs.submit(workspace, "try_agent", args)


def run_try(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job behind `try_out`; its trace has the origin “try”."""
    args, begun = work.args, time.monotonic()
    loaded = load(workspace, args["model_id"], args["prompt_version"])
    request = {"input": [{"role": "user", "content": args["question"]}]}
    tags = {"signalbox.origin": "try", "signalbox.app": workspace.app.id}
    with translated(Message("Trying the agent"), foreign=True), mlflow.tracing.context(tags=tags):
        answer = loaded.predict(request)
        trace_id = mlflow.get_last_active_trace_id(thread_local=True)
    seconds = round(time.monotonic() - begun, 2)
    mlflow.flush_trace_async_logging()
    return {
        "answer": answer_text(answer),
        "trace_id": trace_id,
        "prompt_version": args["prompt_version"],
        "seconds": seconds,
    }


def load(workspace: "Workspace", model_id: str, prompt_version: int | None) -> PyFuncModel:
    """Load an agent in a job's child; with `prompt_version` it answers with that one, and no alias moves."""
    # A version never changes, so it may be kept; what an alias names is looked up for every question.
    override = {"prompt_version": str(prompt_version)} if prompt_version else {"prompt_cache_seconds": 0}
    known = _config(workspace.settings.tracking_uri, model_id)
    with translated(Message("Loading the agent"), foreign=True):
        return mlflow.pyfunc.load_model(
            f"models:/{model_id}",
            model_config={name: value for name, value in override.items() if name in known} or None,
        )


def answer_text(answer: dict[str, Any]) -> str:
    """The text of a ResponsesAgent's answer."""
    parts = [part for item in answer.get("output", []) for part in item.get("content") or []]
    return "".join(part.get("text", "") for part in parts)


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
        "temperature": None,
        "max_output_tokens": None,
    }
    tags = {
        "prompt_name": full,
        "prompt_alias": production.ALIAS,
        "prompt_uri": at_version if form.pinned else at_alias,
        prompts.APP_TAG: workspace.app.id,
        prompts.AUTHOR_TAG: workspace.actor.id,
        JOB_TAG: str(job_id),
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


def _keeping_the_reason(workspace: "Workspace", job_id: int, logging: Callable[[], str]) -> str:
    """Run MLflow's logging untraced; a LoggedModel that it leaves behind as FAILED is told why."""
    try:
        with translated(Message("Logging the agent"), foreign=True), mlflow.tracing.context(enabled=False):
            return logging()
    except ConsoleError as error:
        for model in _models_of(workspace, job_id):
            workspace.client.set_logged_model_tags(model.model_id, {ERROR_TAG: str(error.message)})
        raise


def _check_source(source: str) -> None:
    try:
        compile(source, "agent.py", "exec")
    except SyntaxError as error:
        raise InvalidInputError(
            Message(
                "Line {line} of the agent's file is not Python: {reason}.", line=error.lineno or 0, reason=error.msg
            ),
            Message("Correct that line and choose the file again."),
        ) from error
    if "set_model(" not in source:
        raise InvalidInputError(
            Message("The agent's file does not say which object is the agent."),
            Message("End it with mlflow.models.set_model(…) and choose it again."),
        )
    if len(source) > LONGEST_SOURCE:
        raise InvalidInputError(Message("The agent's file is too large."), Message("Keep data out of the file."))


def _logged_by(workspace: "Workspace", job_id: int) -> str | None:
    """The model that an earlier attempt of the same job finished."""
    ready = [model.model_id for model in _models_of(workspace, job_id) if model.status.name == "READY"]
    return ready[0] if ready else None


def _models_of(workspace: "Workspace", job_id: int) -> list[LoggedModel]:
    found = workspace.client.search_logged_models(
        experiment_ids=[workspace.app.experiment_id], filter_string=f"tags.`{JOB_TAG}` = '{job_id}'"
    )
    return list(found)


def _registered(workspace: "Workspace") -> dict[str, int]:
    """Registered version by model id, of the app's one registered model."""
    name = registered_name(workspace)
    found = workspace.client.search_model_versions(f"name = '{name}'")
    return {str(one.source).removeprefix("models:/"): int(one.version) for one in reversed(found)}


def registered_name(workspace: "Workspace") -> str:
    """The app's one registered model; prompts and models share one namespace, hence the suffix."""
    return workspace.full_name(f"{workspace.app.id}-agent")


def _from_mlflow(found: LoggedModel, registered: int | None) -> AgentVersion:
    tags, status = found.tags or {}, found.status.name
    config = _config(mlflow.get_tracking_uri(), found.model_id) if status == "READY" else {}
    linked = _linked(tags.get("mlflow.linkedPrompts"))
    links = Links(linked, tags.get("prompt_name"), config.get("prompt_name"))
    pinned = str(config.get("prompt_version") or "")
    return AgentVersion(
        model_id=found.model_id,
        name=found.name,
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        status=status,
        llm_model=str(config.get("llm_model") or ""),
        prompt_name=links.from_tags or linked or "",
        prompt_alias=str(config.get("prompt_alias") or tags.get("prompt_alias") or ""),
        pinned=int(pinned) if pinned.isdecimal() else None,
        registered=registered,
        links=links,
        error=tags.get(ERROR_TAG),
    )


def _linked(tag: str | None) -> str | None:
    """The name of the first prompt in MLflow's tag of linked prompts."""
    listed = json.loads(tag) if tag else []
    return str(listed[0]["name"]) if listed else None


@functools.lru_cache(maxsize=1000)
def _config(tracking_uri: str, model_id: str) -> dict[str, Any]:
    """The model config inside a LoggedModel's files, which never change."""
    found = Model.load(f"models:/{model_id}")
    return dict(found.flavors.get("python_function", {}).get("config") or {})


def _missing(model_id: str) -> NotFoundError:
    return NotFoundError(
        Message("There is no agent version {id} in this app.", id=model_id),
        Message("Choose one from the list of agents."),
    )
