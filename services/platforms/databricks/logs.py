"""Why a version did not come up, from what its endpoint logged."""

from databricks.sdk.errors import DatabricksError

from services.platforms.databricks.client import Client
from services.secrets import masked

LONGEST = 400


def why(client: Client, endpoint: str, entity: str) -> str:
    """The last line of the server's or the build's log, without keys; empty when neither can be read."""
    for read in (client.sdk.serving_endpoints.logs, client.sdk.serving_endpoints.build_logs):
        try:
            lines = [line for line in (read(endpoint, entity).logs or "").splitlines() if line.strip()]
        except DatabricksError:
            continue
        if lines:
            return masked(lines[-1].strip())[:LONGEST]
    return ""
