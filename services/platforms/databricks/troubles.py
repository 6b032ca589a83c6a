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

from services.errors import ConflictError, ConsoleError
from services.messages import Message
from services.platforms.databricks import refusals
from services.secrets import masked

# The SDK adds its whole configuration to every message.
CONFIGURATION = re.compile(r"\.? ?Config: .*$", re.DOTALL)


def translated(error: Exception, doing: Message) -> ConsoleError:
    """The error for the screen: what refused, and who can mend it."""
    reason = masked(CONFIGURATION.sub("", str(error)).strip().splitlines()[0][:300]) if str(error).strip() else "?"
    if isinstance(error, Unauthenticated):
        return refusals.credentials(doing, reason)
    if isinstance(error, PermissionDenied):
        return refusals.forbidden(doing, reason)
    if isinstance(error, NotFound):
        return refusals.missing(doing, reason)
    if isinstance(error, ResourceConflict):
        return ConflictError(
            Message("{doing}: somebody changed it at the same moment ({reason}).", doing=doing, reason=reason),
            Message("Look at it as it is now, then try again."),
        )
    if isinstance(error, TooManyRequests | TemporarilyUnavailable | TimeoutError | InternalError):
        return refusals.away(doing, reason)
    return refusals.unexpected(doing, reason, retryable=not isinstance(error, DatabricksError))
