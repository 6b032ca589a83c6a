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

from services.errors import ConflictError, ConsoleError, ForbiddenError, NotFoundError, PlatformError
from services.messages import Message
from services.secrets import masked

# The SDK adds its whole configuration to every message.
CONFIGURATION = re.compile(r"\.? ?Config: .*$", re.DOTALL)
BAD_TOKEN = "access token"


def translated(error: Exception, doing: Message) -> ConsoleError:
    """The error for the screen: what refused, and who can mend it."""
    reason = masked(CONFIGURATION.sub("", str(error)).strip().splitlines()[0][:300]) if str(error).strip() else "?"
    told = {"doing": doing, "reason": reason}
    if isinstance(error, Unauthenticated) or (isinstance(error, PermissionDenied) and BAD_TOKEN in reason.lower()):
        return ForbiddenError(
            Message("{doing}: the workspace does not accept the credentials any more ({reason}).", **told),
            Message("Make new ones, set them where the old ones were set, and start the console again."),
        )
    if isinstance(error, PermissionDenied):
        return ForbiddenError(
            Message("{doing}: the workspace refused ({reason}).", **told),
            Message(
                "Ask the owner of what is named there for permission; the Connection screen shows what is missing."
            ),
        )
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
