"""Jobs run in the worker's children; a workspace's own compute is asked only for what it is good at."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services import jobs
from services.jobs import Job
from services.platforms.databricks.client import Client

if TYPE_CHECKING:
    from services.workspace import Workspace


class DatabricksCompute:
    """The worker's children."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def submit(self, workspace: "Workspace", kind: str, args: Mapping[str, Any], exclusive: str | None = None) -> Job:
        return jobs.submit(workspace, kind, dict(args), exclusive=exclusive)

    def status(self, workspace: "Workspace", id: int) -> Job:
        return jobs.get(workspace, id)

    def cancel(self, workspace: "Workspace", id: int) -> None:
        jobs.cancel(workspace, id)
