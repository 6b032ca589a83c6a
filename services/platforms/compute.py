"""Jobs run in the worker's children, whatever platform they speak with."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services import jobs
from services.jobs import Job

if TYPE_CHECKING:
    from services.workspace import Workspace


class WorkerCompute:
    """The worker's children."""

    def submit(self, workspace: "Workspace", kind: str, args: Mapping[str, Any], exclusive: str | None = None) -> Job:
        return jobs.submit(workspace, kind, dict(args), exclusive=exclusive)

    def status(self, workspace: "Workspace", id: int) -> Job:
        return jobs.get(workspace, id)

    def cancel(self, workspace: "Workspace", id: int) -> None:
        jobs.cancel(workspace, id)
