"""What a refusal of a workspace means to the operator, whichever SDK brought it."""

from services.errors import ConsoleError, ForbiddenError, NotFoundError, PlatformError
from services.messages import Message
from services.platforms.databricks import grants

UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
BUSY = (429, 502, 503, 504)
# What the gateway says of a token that is unknown or expired; the catalog's refusals name a privilege instead.
BAD_TOKENS = ("access token", "token is expired", "invalid token")


def credentials(doing: Message, reason: str) -> ForbiddenError:
    """They worked when the console started, and do not any more."""
    return ForbiddenError(
        Message("{doing}: the workspace does not accept the credentials any more ({reason}).", doing=doing, reason=reason),
        Message("Make new ones, set them where the old ones were set, and start the console again."),
    )  # fmt: skip


def forbidden(doing: Message, reason: str) -> ForbiddenError:
    """Bad credentials, or a right that is missing: then the exact GRANT where the refusal names a privilege."""
    if any(one in reason.lower() for one in BAD_TOKENS):
        return credentials(doing, reason)
    told = Message("{doing}: the workspace refused ({reason}).", doing=doing, reason=reason)
    statement = grants.statement(reason)
    if statement is None:
        return ForbiddenError(
            told,
            Message(
                "Ask the owner of what is named there for permission; the Connection screen shows what is missing."
            ),
        )
    return ForbiddenError(told, Message("Ask the owner of the catalog to run: {statement}", statement=statement))


def of_status(status: int, doing: Message, reason: str) -> ConsoleError:
    """The error of an answer that only its number explains."""
    if status == UNAUTHORIZED:
        return credentials(doing, reason)
    if status == FORBIDDEN:
        return forbidden(doing, reason)
    if status == NOT_FOUND:
        return missing(doing, reason)
    return away(doing, reason) if status in BUSY else unexpected(doing, reason)


def missing(doing: Message, reason: str) -> NotFoundError:
    return NotFoundError(
        Message("{doing}: it does not exist ({reason}).", doing=doing, reason=reason),
        Message("It may have been deleted. Choose another one."),
    )


def away(doing: Message, reason: str) -> PlatformError:
    return PlatformError(
        Message("{doing}: the workspace is busy or away ({reason}).", doing=doing, reason=reason),
        Message("Wait a minute and try again."),
        retryable=True,
    )


def page(doing: Message) -> PlatformError:
    """A proxy or a VPN answered instead."""
    return PlatformError(
        Message("{doing}: a web page came back instead of an answer.", doing=doing),
        Message("A sign-in page of a proxy or VPN may stand in between. Sign in there, then try again."),
        retryable=True,
    )


def unexpected(doing: Message, reason: str, retryable: bool = False) -> PlatformError:
    return PlatformError(
        Message("{doing}: the workspace answered “{reason}”.", doing=doing, reason=reason),
        Message("Try again; if it stays, show this sentence to an engineer."),
        retryable=retryable,
    )
