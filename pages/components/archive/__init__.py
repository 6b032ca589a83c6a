"""The archive of the app's traces: by the console on this machine, by the workspace on Databricks."""

from pages.components.archive import on_this_machine
from services.workspace import Workspace


def show(workspace: Workspace) -> None:
    if workspace.settings.databricks is None:
        on_this_machine.show(workspace)
        return
    # Only here, because the SDK behind it takes a second to load.
    from pages.components.archive import on_databricks

    on_databricks.show(workspace)
