"""The logging job: ask the model, then let MLflow log the agent with its prompt."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import LoggedModel

from services import audit, database, jobs, playground, production, prompts
from services.agents import (
    checking,
    config_files,
    example,
    offers,
    printed,
    requirements,
    resources,
    servers,
    shipping,
    tools,
)
from services.agents import folder as folders
from services.agents.checking import Report
from services.agents.form import AgentForm, check
from services.agents.printed import Printed
from services.agents.records import ERROR_TAG, JOB_TAG
from services.agents.resources import Rows
from services.agents.tools import Tool
from services.audit import Verb
from services.errors import ConflictError, ConsoleError, InvalidInputError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

BUILT_IN = Path(__file__).parent.parent / "logged" / "responses_agent.py"
CHECKED = "checked"
TOOLS_FILE = "tools.py"


def log(workspace: "Workspace", form: AgentForm) -> "Job":
    """Queue the logging of an agent; raises InvalidInputError for a file that cannot be one."""
    audit.require(workspace, Verb.LOG_AGENT)
    check(form)
    if form.prompted:
        prompts.version(workspace, form.prompt_name, form.first_version or 0)
    beside = {**form.files, **({TOOLS_FILE: form.tools} if form.tools else {})}
    checking.refuse_secrets(form.source or "", beside, form.source_name)
    args = {"form": form.__dict__}
    job = jobs.submit(workspace, "log_agent", args, exclusive=f"log_agent:{workspace.app.id}")
    if job.args != json.loads(json.dumps(args)):
        raise ConflictError(
            Message("Another agent is being logged."), Message("Wait until it has ended, then log this one.")
        )
    return job


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The logging job: the model is asked first, then MLflow calls the agent once or twice while it logs it."""
    form = AgentForm(**work.args["form"])
    logged = _logged_by(workspace, work.job.id)
    if logged is None:
        found = _require_sound(workspace, work, form)
        work.progress(0, 2, Message("Asking the model"))
        if form.llm_model:
            playground.check_model(workspace, form.llm_model, form.llm_api)
        work.progress(1, 2, Message("Logging the agent"))
        heard = Printed()
        with audit.change(workspace, Verb.LOG_AGENT, form.name) as change:
            with printed.live(work, heard):
                logged = _log(workspace, form, work, heard, found)
            change.after = logged
    return {"model_id": logged}


def _require_sound(workspace: "Workspace", work: "Work", form: AgentForm) -> tuple[Tool, ...]:
    """A file that somebody brought is checked before MLflow keeps anything of it; returns the tools of the agent."""
    if form.source is None and not (form.tools or form.servers):
        return ()
    found = tools.read(form.tools, form.asking_tools) if form.tools else ()
    if form.source is not None:
        report = checking.check_form(workspace, work, form)
    else:
        work.progress(0, 2, Message("Asking the servers for their tools"))
        offer = offers.offered(form.servers, [one.name for one in found])
        found, report = (*found, *offer.tools), checking.check_tools(form, offer.findings)
    work.save(work.checkpoint | {CHECKED: report.to_json()})
    if report.blocked:
        raise InvalidInputError(
            Message("The agent was not logged: something must be mended first."),
            Message("What it is stands below."),
        )
    return found


def _log(workspace: "Workspace", form: AgentForm, work: "Work", heard: Printed, found: Sequence[Tool]) -> str:
    # Until a version is live or released, the agent's own check while logging needs to know which version to load.
    os.environ["SIGNALBOX_PROMPT_VERSION"] = str(form.first_version or "")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "agent.py"
        file.write_text(form.source or BUILT_IN.read_text("utf-8"), "utf-8")
        given = arguments(workspace, form, work.job.id) | {"python_model": str(file)}
        if form.files:
            given["code_paths"] = folders.write(Path(folder), form.files)
            # MLflow runs the file while it logs it, before the others lie beside it.
            sys.path.insert(0, str(Path(folder) / folders.CODE))
        shipping.load(workspace, form.documents, given)
        if form.source is None:
            shipping.load_api(given)
        shipping.load_tools(Path(folder), form.tools, found, given, form.servers)
        report = checked_of(work.checkpoint)
        if report is not None and form.source is not None:
            given |= example.of_kind(given["input_example"], report)
        return _keeping_what_was_said(workspace, work, heard, lambda: str(mlflow.pyfunc.log_model(**given).model_id))


def arguments(workspace: "Workspace", form: AgentForm, job_id: int) -> dict[str, Any]:
    """What `log_model` is given beside the file; `prompts` names the alias when it exists, else the first version.

    A file that asks no prompt of the app is linked to none.

    Packages are always named: to infer them, MLflow runs the agent once more in a process of its own, for seconds.
    """
    identifier = form.version_identifier or version_identifier()
    return {
        "name": form.name,
        "model_config": config_files.of(workspace, form, identifier),
        "tags": _tags(workspace, form, job_id, identifier),
        "prompts": _linked(workspace, form),
        "input_example": example.of(workspace, form),
        "pip_requirements": requirements.added(form.pip_requirements, servers.requirements(form.servers)),
    } | resources.arguments(_resources(workspace, form), form.system_resources, form.user_scopes)


def _linked(workspace: "Workspace", form: AgentForm) -> list[str] | None:
    if not form.prompted:
        return None
    at_alias, at_version = _addresses(workspace, form)
    followed = not form.pinned and production.alias(workspace, form.prompt_name) is not None
    return [at_alias if followed else at_version]


def _resources(workspace: "Workspace", form: AgentForm) -> Rows:
    """On a workspace every agent needs the endpoint of its model, which people forget."""
    given = bool(form.resources or form.system_resources or form.user_scopes)
    if given or workspace.settings.databricks is None or not form.llm_model:
        return form.resources
    return (("serving_endpoint", form.llm_model),)


def _addresses(workspace: "Workspace", form: AgentForm) -> tuple[str, str]:
    """The prompt as the alias names it, and its first version."""
    full = workspace.full_name(form.prompt_name)
    return f"prompts:/{full}@{production.ALIAS}", f"prompts:/{full}/{form.first_version}"


def _tags(workspace: "Workspace", form: AgentForm, job_id: int, identifier: str) -> dict[str, str]:
    return {
        **form.tags,
        **_prompt_tags(workspace, form),
        prompts.APP_TAG: workspace.app.id,
        prompts.AUTHOR_TAG: workspace.actor.id,
        JOB_TAG: str(job_id),
        "app_version": identifier,
        "model_version": identifier,
    }


def _prompt_tags(workspace: "Workspace", form: AgentForm) -> dict[str, str]:
    if not form.prompted or form.first_version is None:
        return {}
    at_alias, at_version = _addresses(workspace, form)
    return {
        "prompt_name": workspace.full_name(form.prompt_name),
        "prompt_alias": production.pin_alias(form.first_version) if form.pinned else production.ALIAS,
        "prompt_uri": at_version if form.pinned else at_alias,
    }


def checked(job: "Job") -> Report | None:
    """What the check of a brought file found before it was logged; None for the built-in agent."""
    return checked_of(job.checkpoint)


def checked_of(checkpoint: Mapping[str, Any]) -> Report | None:
    found = checkpoint.get(CHECKED)
    return Report.from_json(found) if found else None


def said(job: "Job") -> str:
    """The last lines that MLflow and the agent printed while the job logged, checked or installed it; empty when it printed nothing."""
    return str(job.checkpoint.get(printed.KEPT, ""))


def version_identifier() -> str:
    """Names a logging for people and for the trace: by its time, as MLflow's own examples do."""
    return f"v_{database.now():%Y%m%d_%H%M%S}"


def _keeping_what_was_said(workspace: "Workspace", work: "Work", heard: Printed, logging: Callable[[], str]) -> str:
    """Run MLflow's logging untraced; the job keeps what was printed, and a LoggedModel left FAILED is told why."""
    try:
        with (
            translated(Message("Logging the agent"), foreign=True),
            printed.kept(heard),
            mlflow.tracing.context(enabled=False),
        ):
            return logging()
    except ConsoleError as error:
        reason = json.dumps(error.message.to_json(), ensure_ascii=False)
        for model in _models_of(workspace, work.job.id):
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
