"""The last check of an agent: its packages are installed into an empty environment, and MLflow asks it there."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.artifacts import download_artifacts
from mlflow.models import Model

from services import audit, jobs, production, secrets
from services.agents import printed
from services.agents.printed import Printed
from services.agents.records import get
from services.audit import Verb
from services.errors import NotReadyError, PlatformError, translated
from services.messages import Message
from services.processes import packages
from services.processes.following import followed

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

PAUSE = 0.2
SECONDS = 1_200.0
REQUIREMENTS = "requirements.txt"
KEYED = ("DATABRICKS_", "OPENAI_", "MLFLOW_", secrets.OF_AGENTS)
# Run in the empty environment, where nothing of ours is installed; a trace of theirs would count as live traffic.
UNTRACED = "import sys, mlflow; mlflow.tracing.disable(); "
LOAD = UNTRACED + "mlflow.pyfunc.load_model(sys.argv[1])"
ASK = UNTRACED + "mlflow.models.predict(sys.argv[1], input_path=sys.argv[2], content_type='json', env_manager='local')"
UNREACHABLE = (
    "failed to fetch", "error sending request", "dns error", "connection refused", "could not connect", "timed out",
    "no matching distribution found for", "max retries exceeded", "network unreachable", "temporary failure",
)  # fmt: skip


def submit(workspace: "Workspace", model_id: str) -> "Job":
    """Queue the check; the job's result has seconds and whether it was asked."""
    audit.require(workspace, Verb.TRY_AGENT)
    get(workspace, model_id)
    return jobs.submit(workspace, "install_agent", {"model_id": model_id}, exclusive=f"install_agent:{model_id}")


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job: install, then ask with the request that was logged as the agent's example."""
    begun, heard = time.monotonic(), Printed()
    with tempfile.TemporaryDirectory() as name, printed.live(work, heard):
        folder = Path(name)
        work.progress(0, 3, Message("Making an empty environment"))
        with translated(Message("Loading the agent"), foreign=True):
            model = Path(download_artifacts(f"models:/{work.args['model_id']}", dst_path=str(folder / "model")))
            asked = Model.load(str(model)).get_serving_input(str(model))
        python = _environment(work, folder, heard)
        work.progress(1, 3, Message("Installing the agent's packages"))
        _install(work, python, model / REQUIREMENTS, heard)
        work.progress(2, 3, Message("Asking the agent there"))
        if asked is not None:
            (folder / "asked.json").write_text(asked, "utf-8")
        versioned = _prompt_version(workspace, work.args["model_id"])
        _ask(work, python, model, folder / "asked.json" if asked is not None else None, heard, versioned)
    work.save(work.checkpoint | {printed.KEPT: heard.text})
    return {"seconds": round(time.monotonic() - begun), "asked": asked is not None}


def _environment(work: "Work", folder: Path, heard: Printed) -> Path:
    place = folder / "environment"
    uv = _uv()
    command = (
        [uv, "venv", "--quiet", "--no-config", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
    )
    if _run(work, [*command, str(place)], heard, _installing()) != 0:
        raise PlatformError(
            Message("No empty environment could be made."), Message("What was printed stands below the error.")
        )
    return place / ("Scripts" if os.name == "nt" else "bin") / "python"


def _install(work: "Work", python: Path, requirements: Path, heard: Printed) -> None:
    """Only installing sees where packages come from, which may hold a password; the agent's code does not."""
    uv = _uv()
    command = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
    if _run(work, [*command, "-r", str(requirements)], heard, _installing()) == 0:
        return
    if any(sign in heard.text.lower() for sign in UNREACHABLE):
        raise NotReadyError(
            Message("The agent could not be tried in a clean environment: no package index can be reached from here."),
            Message(
                "Give this machine a way to a package index (for example PIP_INDEX_URL and UV_INDEX_URL), then try again."
            ),
        )
    raise PlatformError(
        Message("The agent's packages cannot be installed together."),
        Message("Read below which one is missing or disagrees, correct the packages and log the agent again."),
    )


def _installing() -> dict[str, str]:
    """No key of the workspace or the model: a package may run code of its own while it is installed."""
    return {name: value for name, value in os.environ.items() if not name.startswith(KEYED)} | packages.INDEX


def _prompt_version(workspace: "Workspace", model_id: str) -> dict[str, str]:
    """What an agent needs to know before its release, while no alias names the version that it answers with."""
    agent = get(workspace, model_id)
    live = agent.prompt_name and agent.pinned is None and production.alias(workspace, agent.prompt_name)
    number = agent.pinned or (None if live else agent.linked)
    return {"SIGNALBOX_PROMPT_VERSION": str(number)} if number else {}


def _ask(
    work: "Work", python: Path, model: Path, asked: Path | None, heard: Printed, versioned: dict[str, str]
) -> None:
    """`mlflow.models.predict` there, without a trace; an agent without an example is only loaded."""
    code = [ASK, str(model), str(asked)] if asked else [LOAD, str(model)]
    place = {
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(python.parent.parent),
    }
    quiet = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # The agent's own code may turn traces on again: then none is sampled.
    tracked = {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(), "MLFLOW_TRACE_SAMPLING_RATIO": "0"}
    if _run(work, [str(python), "-c", *code], heard, quiet | place | tracked | versioned) != 0:
        raise PlatformError(
            Message("In a clean environment the agent does not answer."),
            Message("Read below what it says: often a package is missing. Correct it and log the agent again."),
        )


def _run(work: "Work", command: Sequence[str], heard: Printed, environ: Mapping[str, str]) -> int:
    """Run it with its output kept; nothing of it is left when this returns or is stopped."""
    child = subprocess.Popen(
        command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )

    def remember(piece: bytes) -> None:
        heard.remember(piece.decode("utf-8", "replace"))

    try:
        return followed(child, remember, work.check, SECONDS, PAUSE)
    except TimeoutError as error:
        raise PlatformError(
            Message("It took longer than {minutes} minutes and was stopped.", minutes=round(SECONDS / 60)),
            Message("Read below how far it came, then try again."),
        ) from error


def _uv() -> str | None:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv")
