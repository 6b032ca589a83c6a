"""The emulated workspace's own checks: who may do what, what it refuses, and the faults it can play."""

from databricks.sdk import WorkspaceClient


def test_the_workspace_knows_its_operator(databricks_workspace):
    assert WorkspaceClient().current_user.me().user_name == "operator@example.com"
