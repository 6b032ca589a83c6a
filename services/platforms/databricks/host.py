"""Who the workspace is, as MLflow finds out before every request: it builds a new client of the SDK for that.

Each such client asks the host for its description, and one of a service principal for two more answers, a new token among
them, all before the request itself. The request is then sent by another client, which MLflow keeps and which renews its
token. So what was found out once, the host and its number, is kept for the life of the process.
"""

from collections.abc import Callable

from mlflow import MlflowClient
from mlflow.utils.rest_utils import MlflowHostCreds


def remember(client: MlflowClient) -> None:
    """Have MLflow's stores of this process ask once; called again, they ask again."""
    for store in (client._tracking_client.store, client._get_registry_client().store):
        asks = store.get_host_creds
        store.get_host_creds = _Known(asks.ask if isinstance(asks, _Known) else asks)


class _Known:
    """What `ask` found, once the SDK has signed in; before that, what it found without it is no lasting answer."""

    def __init__(self, ask: Callable[[], MlflowHostCreds]) -> None:
        self.ask = ask
        self.found: MlflowHostCreds | None = None

    def __call__(self) -> MlflowHostCreds:
        if self.found is not None:
            return self.found
        found = self.ask()
        if found.use_databricks_sdk:
            self.found = found
        return found
