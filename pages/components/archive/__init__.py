"""The archive of the app's traces: by the console on this machine, by the workspace on Databricks."""

from pages.components.archive import here, there
from services.workspace import Workspace


def show(workspace: Workspace) -> None:
    if workspace.settings.databricks is None:
        here.show(workspace)
    else:
        there.show(workspace)
