"""A token of the workspace for clients that know nothing of its ways to sign in, such as OpenAI's."""

import functools

from databricks.sdk.config import Config

from services.errors import translated
from services.messages import Message
from services.platforms.databricks.access import Access

SECONDS = 10


def bearer(access: Access) -> str:
    """The token of this moment; the SDK fetches another one before it expires."""
    with translated(Message("Connecting to the workspace")):
        return _config(access).authenticate()["Authorization"].removeprefix("Bearer ")


@functools.lru_cache(maxsize=4)
def _config(access: Access) -> Config:
    return Config(
        host=access.host,
        auth_type=access.auth_type,
        profile=access.profile,
        retry_timeout_seconds=SECONDS,
        http_timeout_seconds=SECONDS,
    )
