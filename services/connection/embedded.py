"""What runs on this machine when no workspace is connected."""

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
from sqlalchemy import text

from services.connection.lines import Check, Light, Line
from services.errors import translated
from services.messages import Message, mark
from services.processes.lock import held

if TYPE_CHECKING:
    from services.workspace import Workspace

LEAST_FREE = 1_000_000_000
ANSWERS = 3.0


def checks(workspace: "Workspace") -> list[Check]:
    """The stores, the model and the processes."""
    looks: dict[str, Callable[[str, Workspace], Line]] = {
        mark("MLflow's store"): _tracking_store,
        mark("The console's database"): _database,
        mark("Model"): model,
        mark("Worker"): _worker,
        mark("Gateway"): _gateway,
        mark("Data folder"): _folder,
    }
    return [Check(name, functools.partial(look, name, workspace)) for name, look in looks.items()]


def of_worker(workspace: "Workspace") -> Check:
    """The one process that works for a workspace too."""
    name = mark("Worker")
    return Check(name, lambda: _worker(name, workspace))


def model(name: str, workspace: "Workspace") -> Line:
    """Which model answers; a key is never shown, only whether there is one."""
    settings = workspace.settings
    if settings.practice:
        return Line(
            name,
            Light.AMBER,
            Message("The built-in practice model answers: it follows rules and is no language model."),
            Message("Set OPENAI_BASE_URL and OPENAI_API_KEY before the console starts to connect a real one."),
        )
    values = {"model": settings.model, "address": settings.model_base_url or "https://api.openai.com/v1"}
    try:
        httpx2.get(values["address"], timeout=ANSWERS)
    except httpx2.HTTPError:
        return Line(
            name,
            Light.RED,
            Message("{model} at {address} cannot be reached.", **values),
            Message("Check OPENAI_BASE_URL, and that the model is running."),
        )
    found = (
        Message("{model} at {address}, with an access key.", **values)
        if settings.model_api_key
        else Message("{model} at {address}, without an access key.", **values)
    )
    return Line(name, Light.GREEN, found)


def _tracking_store(name: str, workspace: "Workspace") -> Line:
    with translated(Message("Reading MLflow's store")):
        workspace.client.search_experiments(max_results=1)
    return Line(name, Light.GREEN, _where(workspace.settings.tracking_uri))


def _database(name: str, workspace: "Workspace") -> Line:
    with translated(Message("Reading the console's database")), workspace.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return Line(name, Light.GREEN, _where(workspace.settings.database_url))


def _where(address: str) -> Message:
    """A file with its size, or a server without its password."""
    if address.startswith("sqlite"):
        file = Path("/" + address.partition(":///")[2].lstrip("/"))
        size = file.stat().st_size / 1e6 if file.exists() else 0.0
        return Message("{path} ({size} MB)", path=str(file), size=f"{size:,.1f}")
    parts = urlsplit(address)
    return Message("{scheme} at {host}", scheme=parts.scheme.partition("+")[0], host=parts.hostname or "")


def _worker(name: str, workspace: "Workspace") -> Line:
    if held(workspace.settings.run_folder / "worker.lock"):
        return Line(name, Light.GREEN, Message("It runs: evaluations, releases and other long work get done."))
    return Line(
        name,
        Light.RED,
        Message("It does not run, so no long work gets done."),
        Message("The console starts it again within seconds; if it stays, look into {path}.", path=str(workspace.settings.log_folder)),
    )  # fmt: skip


def _gateway(name: str, workspace: "Workspace") -> Line:
    trouble = workspace.platform.serving.trouble(workspace)
    if trouble is None:
        return Line(name, Light.GREEN, Message("It runs at {address}.", address=workspace.settings.gateway_url))
    return Line(name, Light.RED, trouble, Message("Open the Endpoints screen: it says what is missing."))


def _folder(name: str, workspace: "Workspace") -> Line:
    home = workspace.settings.home
    free = shutil.disk_usage(home).free
    found = Message("{path}, {free} GB free on its disk", path=str(home), free=f"{free / 1e9:,.1f}")
    if free < LEAST_FREE:
        return Line(name, Light.AMBER, found, Message("Make room on that disk."))
    return Line(name, Light.GREEN, found)
