"""What the SDKs of a workspace raise, as errors that an operator can act on."""

import re

from databricks.sdk.errors import (
    DatabricksError,
    InternalError,
    NotFound,
    PermissionDenied,
    ResourceConflict,
    TemporarilyUnavailable,
    TooManyRequests,
    Unauthenticated,
)

from services.errors import ConflictError, ConsoleError, NotFoundError, PlatformError
from services.messages import Message
from services.platforms.databricks import refusals
from services.secrets import masked

# The SDK adds its whole configuration to every message.
CONFIGURATION = re.compile(r"\.? ?Config: .*$", re.DOTALL)


def translated(error: Exception, doing: Message) -> ConsoleError:
    """The error for the screen: what refused, and who can mend it."""
    reason = masked(CONFIGURATION.sub("", str(error)).strip().splitlines()[0][:300]) if str(error).strip() else "?"
    told = {"doing": doing, "reason": reason}
    if isinstance(error, Unauthenticated):
        return refusals.credentials(doing, reason)
    if isinstance(error, PermissionDenied):
        return refusals.forbidden(doing, reason)
    if isinstance(error, NotFound):
        return NotFoundError(
            Message("{doing}: it does not exist ({reason}).", **told),
            Message("It may have been deleted. Choose another one."),
        )
    if isinstance(error, ResourceConflict):
        return ConflictError(
            Message("{doing}: somebody changed it at the same moment ({reason}).", **told),
            Message("Look at it as it is now, then try again."),
        )
    if isinstance(error, TooManyRequests | TemporarilyUnavailable | TimeoutError | InternalError):
        return PlatformError(
            Message("{doing}: the workspace is busy or away ({reason}).", **told),
            Message("Wait a minute and try again."),
            retryable=True,
        )
    return PlatformError(
        Message("{doing}: the workspace answered “{reason}”.", **told),
        Message("Try again; if it stays, show this sentence to an engineer."),
        retryable=not isinstance(error, DatabricksError),
    )
