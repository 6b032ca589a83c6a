"""What MLflow asks of the workspace before it asks what it is to ask."""

import pytest
from mlflow.exceptions import MlflowException
from mlflow.utils.rest_utils import get_workspace_client

from services import people
from services import settings as settings_module
from services.workspace import Workspace, connect

PRINCIPAL = {"DATABRICKS_CLIENT_ID": "sp-client-id", "DATABRICKS_CLIENT_SECRET": "sp-client-secret"}


@pytest.fixture
def fresh():
    """MLflow as in a new process: its client of the workspace is not there yet, and goes with the test."""
    get_workspace_client.cache_clear()
    yield
    get_workspace_client.cache_clear()


@pytest.fixture
def ask(databricks_environ, databricks_settings, databricks, fresh, monkeypatch):
    """Connect anew, ask for experiments and models, and return the paths that were asked with the last of them."""

    def signed_in(**environ):
        wanted = {name: value for name, value in (databricks_environ | environ).items() if value}
        for name, value in (databricks_environ | environ).items():
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
        workspace = Workspace(connect(settings_module.load(wanted)), people.identify(databricks_settings, {}))

        def asked():
            before = len(databricks.requests())
            workspace.client.search_experiments()
            workspace.client.search_registered_models()
            return [one["path"] for one in databricks.requests()[before:]]

        return asked

    return signed_in


@pytest.mark.parametrize("how", [{}, PRINCIPAL | {"DATABRICKS_TOKEN": ""}], ids=["token", "principal"])
def test_a_request_is_one_request_once_the_workspace_is_known(ask, how):
    asked = ask(**how)
    first, again = asked(), asked()
    assert "/.well-known/databricks-config" in first
    assert again == ["/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/unity-catalog/registered-models/search"]


def test_a_sign_in_that_failed_is_tried_again(ask, databricks):
    asked = ask(**PRINCIPAL, DATABRICKS_TOKEN="")
    databricks.fault("/oidc/.well-known/oauth-authorization-server", status=404, times=1)
    with pytest.raises(MlflowException):
        asked()
    assert len(asked()) > 2
