"""Check an agent's file that somebody brought, before it is logged: by reading it, and by running it by itself."""

import platform
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from services import audit, jobs
from services.agents import config_files, folder, printed, shipping
from services.agents.checking.findings import Finding, Report, in_order
from services.agents.checking.needs import ANY, ENDPOINT, undeclared_calls, unserved_python
from services.agents.checking.probe import SECONDS, probe
from services.agents.checking.source import NO_FILES, can_run, read, read_beside, refuse_secrets
from services.agents.checking.wanting import asks_model, asks_prompt, unchosen_prompt
from services.agents.form import LONGEST_SOURCE, AgentForm
from services.agents.form import check as check_fields
from services.agents.printed import Printed
from services.agents.resources import KINDS
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

__all__ = [
    "Finding",
    "Report",
    "asks_model",
    "asks_prompt",
    "can_run",
    "probe",
    "read",
    "refuse_secrets",
    "run",
    "submit",
    "submit_form",
]


def submit(
    workspace: "Workspace",
    source: str,
    config: Mapping[str, Any] | None = None,
    *,
    declared: Collection[str] = (),
    requirements: Collection[str] = (),
    files: Mapping[str, str] = NO_FILES,
    documents: Mapping[str, Any] | None = None,
    name: str = folder.ENTRY,
) -> "Job":
    """Queue the check of a file; the job's result is a Report.

    `config`: the model config; `declared`: resources written `kind:name`; `requirements`: packages, else the usual ones;
    `files`: those beside it, by path; `documents`: what `shipping.keep` said of them; `name`: the file's own.
    """
    audit.require(workspace, Verb.LOG_AGENT)
    folder.check(files)
    if len(source) + sum(map(len, files.values())) > LONGEST_SOURCE:
        raise InvalidInputError(Message("The agent's file is too large."), Message("Keep data out of the file."))
    refuse_secrets(source, files, name)
    args = {
        "source": source,
        "config": dict(config or {}),
        "declared": sorted(declared),
        "requirements": sorted(requirements),
        "seconds": SECONDS,
        "files": dict(files),
        "documents": dict(documents) if documents else None,
    }
    return jobs.submit(workspace, "check_agent", args)


def submit_form(workspace: "Workspace", form: AgentForm) -> "Job":
    """Queue the check of what a form would log, under the same config, packages and resources."""
    audit.require(workspace, Verb.LOG_AGENT)
    check_fields(form)
    return submit(workspace, form.source or "", name=form.source_name, **_surroundings(workspace, form))


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job: read the file; when nothing in it speaks against running it, ask it in a process of its own."""
    return check(workspace, work, **work.args).to_json()


def check_form(workspace: "Workspace", work: "Work", form: AgentForm) -> Report:
    """The same inside the job that logs the agent."""
    return check(workspace, work, form.source or "", **_surroundings(workspace, form))


def check_tools(form: AgentForm, of_servers: Iterable[Finding] = ()) -> Report:
    """What is to be mended in the file with tools, which runs when MLflow asks the agent, and on the MCP servers."""
    found = read_beside({"tools.py": form.tools}, _declared(form), form.pip_requirements) if form.tools else ()
    return Report("", False, in_order([*of_servers, *found]), ran=False, read=bool(form.tools), asked=len(form.servers))


def check(
    workspace: "Workspace",
    work: "Work",
    source: str,
    config: Mapping[str, Any],
    declared: Collection[str],
    requirements: Collection[str],
    seconds: float = SECONDS,
    files: Mapping[str, str] = NO_FILES,
    documents: Mapping[str, Any] | None = None,
) -> Report:
    """What is to be mended in a file; only for a job, which its code may not outlive."""
    work.progress(0, 2, Message("Reading the file"))
    found = (
        *read(source, declared, requirements, files),
        *unchosen_prompt(source, config, files),
        *unserved_python(workspace.platform.serving.rules.pythons, platform.python_version()),
    )
    if not can_run(source):
        return Report("", False, found, ran=False)

    def still_wanted() -> None:
        work.progress(1, 2, Message("Running the agent by itself"))

    kept = {shipping.ARTIFACT: dict(documents)} if documents else {}
    shipped = shipping.file_of(workspace, documents) if documents else None
    heard = Printed()
    with printed.live(work, heard):
        seen = probe(
            source,
            {**config, **kept},
            seconds=seconds,
            still_wanted=still_wanted,
            files=files,
            documents=shipped,
            heard=heard.remember,
        )
    # A line that reading blocked already explains why running it failed there.
    explained = {one.line for one in found if one.blocking and one.line is not None and not one.file}
    new = [one for one in seen.findings if one.line not in explained]
    read_already = {dict(one.what.values).get("name") for one in found}
    observed = [one for one in seen.called if one[1] not in read_already]
    asked = undeclared_calls(observed, declared)
    return Report(seen.kind, seen.streams, in_order([*found, *new, *asked]), taken=seen.taken)


def _surroundings(workspace: "Workspace", form: AgentForm) -> dict[str, Any]:
    """The config, resources and packages that the form's agent would be logged with."""
    return {
        "config": config_files.of(workspace, form) | _version(form),
        "declared": sorted(_declared(form) | _usual(workspace, form)),
        "requirements": sorted(form.pip_requirements),
        "files": form.files,
        "documents": form.documents,
    }


def _version(form: AgentForm) -> dict[str, str]:
    """Before a release no alias may name it."""
    return {"prompt_version": str(form.first_version)} if form.prompted else {}


def _usual(workspace: "Workspace", form: AgentForm) -> set[str]:
    """On a workspace the endpoint of its model is declared for an agent that declares nothing."""
    given = form.resources or form.system_resources or form.user_scopes
    usual = workspace.settings.databricks is not None and form.llm_model and not given
    return {f"{ENDPOINT}:{form.llm_model}"} if usual else set()


def _declared(form: AgentForm) -> set[str]:
    rows = {f"{kind}:{name}" for kind, name, *_ in (*form.resources, *form.system_resources)}
    # A scope lets the agent reach everything of a kind that the person who asks may reach.
    reached = {f"{kind}:{ANY}" for kind in KINDS if KINDS[kind].scopes and {*KINDS[kind].scopes} <= {*form.user_scopes}}
    return rows | reached
