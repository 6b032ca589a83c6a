"""The archive on Databricks."""

from services.workspace import Workspace


def show(workspace: Workspace) -> None: ...
