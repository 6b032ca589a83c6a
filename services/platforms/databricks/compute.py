"""Long work as one run of a Databricks job: our own code as a wheel, on serverless compute, nothing kept to clean up.

The wheel lies in the home folder of whoever signs in: others could change what runs in that name anywhere else.
"""

import base64
import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from databricks.sdk.config import Config
from databricks.sdk.errors import InvalidParameterValue, NotFound, ResourceDoesNotExist
from databricks.sdk.service import jobs
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.workspace import ImportFormat

from services.agents.requirements import CREDENTIALS
from services.errors import NotFoundError, translated
from services.messages import Message
from services.platforms.compute import Errand, Run, RunState
from services.platforms.databricks import access, links, wheel
from services.platforms.databricks.client import Client
from services.settings import models_of

if TYPE_CHECKING:
    from services.workspace import Workspace

ENVIRONMENT_KEY, TASK_KEY = "default", "work"
# The workspace's environments by their Python: agents are packed by ours, and another one may not unpack them.
ENVIRONMENTS = {(3, 11): "2", (3, 12): "4"}
LONGEST = 24 * 3600
# What our own code imports when it is not the console; the same versions as here.
NEEDED = (
    "mlflow", "openai", "pandas", "pyarrow", "pydantic", "pyyaml", "scipy", "scikit-learn", "sqlalchemy", "alembic",
    "babel", "databricks-sdk", "httpx2", "jsonschema", "databricks-agents",
)  # fmt: skip
WAITING = ("PENDING", "QUEUED", "BLOCKED", "WAITING_FOR_RETRY")
ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
RESULTS = {"SUCCESS": RunState.DONE, "CANCELED": RunState.CANCELLED}
LONGEST_REASON = 500
NAMED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<extras>\[[A-Za-z0-9._, -]+\])?")


class DatabricksCompute:
    """Runs that are submitted once, without a job of their own."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def refuses(self, workspace: "Workspace") -> Message | None:
        if sys.version_info[:2] not in ENVIRONMENTS:
            number = f"{sys.version_info[0]}.{sys.version_info[1]}"
            return Message(
                "The workspace has no compute with Python {number}, which the console runs on.", number=number
            )
        if workspace.settings.model_base_url != models_of(access.of(workspace)):
            return Message("The model is reached with a key that only the console has.")
        return None

    def submit(self, workspace: "Workspace", errand: Errand) -> int:
        with translated(Message("Handing the work over to the workspace")):
            lines = [f"/Workspace{self._uploaded()}", *pinned(errand.packages)]
            environment = Environment(environment_version=ENVIRONMENTS[sys.version_info[:2]], dependencies=lines)
            task = jobs.SubmitTask(
                task_key=TASK_KEY,
                environment_key=ENVIRONMENT_KEY,
                # Tried again by the workspace, it would take up what the console may be about to end.
                disable_auto_optimization=True,
                max_retries=0,
                python_wheel_task=jobs.PythonWheelTask(
                    package_name=wheel.PACKAGE, entry_point=wheel.ENTRY, parameters=list(errand.arguments)
                ),
            )
            submitted = self.client.sdk.jobs.submit(
                run_name=errand.name,
                idempotency_token=errand.token,
                environments=[jobs.JobEnvironment(ENVIRONMENT_KEY, environment)],
                tasks=[task],
                timeout_seconds=LONGEST,
            )
            return int(submitted.bind()["run_id"])

    def look(self, workspace: "Workspace", id: int) -> Run:
        with translated(Message("Looking after the run on the workspace")):
            try:
                found = self.client.sdk.jobs.get_run(id)
            except (InvalidParameterValue, NotFound, ResourceDoesNotExist) as error:
                raise NotFoundError(
                    Message("The workspace does not know the run {id} any more.", id=id),
                    Message("Start the evaluation again."),
                ) from error
            run = _run(found, links.job_run(access.of(workspace), found.job_id or 0, id))
            if run.state is RunState.FAILED and (said := self._error(found)):
                run = Run(run.state, run.said, said, run.page)
        return run

    def cancel(self, workspace: "Workspace", id: int) -> None:
        with translated(Message("Cancelling the run on the workspace")):
            self.client.sdk.jobs.cancel_run(id)

    def _uploaded(self) -> str:
        """The path of the wheel, which is uploaded once for each version of our code."""
        made, home = wheel.build(), f"/Users/{self.client.sdk.current_user.me().user_name}"
        path = f"{home}/{made.path}"
        try:
            self.client.sdk.workspace.get_status(path)
        except (NotFound, ResourceDoesNotExist):
            self.client.sdk.workspace.mkdirs(path.rpartition("/")[0])
            content = base64.b64encode(made.content).decode()
            self.client.sdk.workspace.import_(path, content=content, format=ImportFormat.AUTO, overwrite=True)
        return path

    def _error(self, found: jobs.Run) -> str:
        """What the code itself said at its end; only a task tells its output."""
        ids = [task.run_id for task in found.tasks or [] if task.run_id]
        output = self.client.sdk.jobs.get_run_output(ids[0]) if ids else None
        return ((output.error if output else "") or "").strip()[:LONGEST_REASON]


def pinned(packages: Iterable[str]) -> list[str]:
    """Our own needs and those of an agent: what is installed here in the same version, the rest as it is asked for."""
    lines: dict[str, str] = {}
    for line in (*(name for name in NEEDED if _installed(name)), *packages):
        found = NAMED.match(line)
        if found and not CREDENTIALS.search(line):
            here = _installed(found["name"])
            name = re.sub(r"[-_.]+", "-", found["name"]).lower()
            lines.setdefault(name, f"{found['name']}{found['extras'] or ''}=={here}" if here else line)
    return list(lines.values())


def inside() -> dict[str, str]:
    """How a run on the workspace signs in there: what its compute offers, as the SDK finds it."""
    config = Config()
    return {"DATABRICKS_HOST": config.host or "", "DATABRICKS_AUTH_TYPE": config.auth_type or ""}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _run(found: jobs.Run, page: str) -> Run:
    state = found.state
    life = state.life_cycle_state.value if state and state.life_cycle_state else ""
    if life not in ENDED:
        return Run(RunState.WAITING if life in WAITING else RunState.RUNNING, life, page=page)
    result = state.result_state.value if state and state.result_state else life
    return Run(RESULTS.get(result, RunState.FAILED), result, (state and state.state_message) or result, page)
