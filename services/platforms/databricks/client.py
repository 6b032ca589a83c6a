"""The one bounded client of a workspace; the SDK's own limits are minutes long."""

import functools

import httpx2
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config

from services.errors import translated
from services.messages import Message
from services.platforms.databricks.access import Access

RETRY_SECONDS = 20
ANSWER_SECONDS = 20
CONNECTING = 5.0


class Client:
    """Signs in on first use: a process that only imports it asks nobody."""

    def __init__(self, access: Access) -> None:
        self.access = access

    @functools.cached_property
    def sdk(self) -> WorkspaceClient:
        with translated(Message("Connecting to the workspace")):
            config = Config(
                host=self.access.host,
                auth_type=self.access.auth_type,
                profile=self.access.profile,
                http_timeout_seconds=ANSWER_SECONDS,
                retry_timeout_seconds=RETRY_SECONDS,
            )
            return WorkspaceClient(config=config)

    def http(self, seconds: float) -> httpx2.Client:
        """For answers of endpoints, which take longer than everything else and may come in pieces."""
        limits = httpx2.Timeout(seconds, connect=CONNECTING)
        return httpx2.Client(base_url=self.access.host, timeout=limits, headers=self.sdk.config.authenticate())
