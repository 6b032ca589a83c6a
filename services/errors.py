"""Errors an operator can act on: a message and a next step."""

import json
import re
import sqlite3
from types import TracebackType

from services.messages import Message
from services.secrets import masked

NETWORK = ("requests", "urllib3", "httpx2", "httpx")
# What SQLite answers where nothing is wrong with what was asked: busy, locked, read-only, not to be read or written, full.
SQLITE_AWAY = (5, 6, 8, 10, 13, 14)


# What a workspace answers by, in MLflow's words; an MLflow server of one's own has no privileges to grant.
REFUSALS = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "REQUEST_LIMIT_EXCEEDED": 429}
# How MLflow passes on what is no answer of its server.
PAGE = re.compile(r"Response body: '\s*<")

# MLflow's local store calls a missing alias or version an invalid parameter.
NOT_FOUND = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE")


class ConsoleError(Exception):
    """Something the operator should read: what happened, and what to do next."""

    def __init__(self, message: Message, remedy: Message | None = None) -> None:
        super().__init__(message.id)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.message, self.remedy) if part)


class InvalidInputError(ConsoleError):
    """What was typed cannot be used."""


class NotFoundError(ConsoleError):
    """It does not exist, or not in this app."""


class ConflictError(ConsoleError):
    """Someone else changed it first."""


class ForbiddenError(ConsoleError):
    """This person's roles do not allow it."""


class SignInError(ForbiddenError):
    """Nobody is signed in, no longer, or not for this console; `again`: signing in may help."""

    def __init__(self, message: Message, remedy: Message | None = None, *, again: bool = False) -> None:
        super().__init__(message, remedy)
        self.again = again


class NotReadyError(ConsoleError):
    """Something that must come first has not happened yet."""


class BlockedError(ConsoleError):
    """An interlock holds."""


class PlatformError(ConsoleError):
    """MLflow, the model or the serving platform failed; `retryable` says whether trying again can help."""

    def __init__(self, message: Message, remedy: Message | None = None, *, retryable: bool = False) -> None:
        super().__init__(message, remedy)
        self.retryable = retryable


class translated:
    """Turn what the SDKs raise while `doing` something into a ConsoleError; everything else passes through.

    `foreign`: somebody's own code (an agent, a scorer) runs inside, so whatever it raises is its failure, not ours.
    """

    def __init__(self, doing: Message, *, foreign: bool = False) -> None:
        self.doing = doing
        self.foreign = foreign

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, ConsoleError):
            return
        known = _from_sdk(error, self.doing) or (_from_foreign(error, self.doing) if self.foreign else None)
        if known is not None:
            raise known from error


def is_missing(error: Exception) -> bool:
    """Whether MLflow says that something does not exist, rather than that it could not look."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.error_code in NOT_FOUND


def _from_foreign(error: Exception, doing: Message) -> ConsoleError:
    reason = f"{type(error).__name__}: {_first_line(error)}"
    return PlatformError(
        Message("{doing}: the code that was brought failed with “{reason}”.", doing=doing, reason=reason),
        Message("Mend that code, and try again."),
    )


def _from_sdk(error: Exception, doing: Message) -> ConsoleError | None:
    # The SDKs are imported only when one of them failed: the ground stays light for the gateway.
    module = type(error).__module__.partition(".")[0]
    if module == "mlflow":
        return _from_mlflow(error, doing)
    if module == "openai":
        return _from_openai(error, doing)
    if module == "databricks":
        from services.platforms.databricks import troubles

        return troubles.translated(error, doing)
    # MLflow's newer requests read whatever came as an answer.
    if isinstance(error, json.JSONDecodeError) and error.doc.lstrip().startswith("<"):
        from services.platforms.databricks import refusals

        return refusals.page(doing)
    if module == "requests" and (refused := _from_requests(error, doing)) is not None:
        return refused
    if module in NETWORK or isinstance(error, TimeoutError):
        return _unreachable(doing)
    if module == "sqlalchemy" or _is_away(error):
        return PlatformError(
            Message("{doing}: the database did not accept it ({reason}).", doing=doing, reason=_first_line(error)),
            Message("Check the free space and the permissions of the data folder, then try again."),
            retryable=True,
        )
    if isinstance(error, OSError):
        return PlatformError(
            Message("{doing}: {reason}.", doing=doing, reason=error.strerror or _first_line(error)),
            Message("Check the free space and the permissions of the data folder, then try again."),
        )
    return None


def _is_away(error: Exception) -> bool:
    """Whether a SQLite file that is not reached by SQLAlchemy cannot be used now."""
    code = getattr(error, "sqlite_errorcode", 0)  # Python's own module says some things without SQLite
    return isinstance(error, sqlite3.OperationalError) and code & 0xFF in SQLITE_AWAY


def _unreachable(doing: Message) -> PlatformError:
    return PlatformError(
        Message("{doing}: the platform could not be reached.", doing=doing),
        Message("Check that it is running and try again."),
        retryable=True,
    )


def _from_requests(error: Exception, doing: Message) -> ConsoleError | None:
    """An answer with an error, as the clients pass it on that know no other; None when nobody answered."""
    from requests import HTTPError

    from services.platforms.databricks import refusals

    if not isinstance(error, HTTPError) or error.response is None:
        return None
    return refusals.of_status(error.response.status_code, doing, _first_line(error))


def _from_mlflow(error: Exception, doing: Message) -> ConsoleError:
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import (
        PERMISSION_DENIED,
        RESOURCE_DOES_NOT_EXIST,
        TEMPORARILY_UNAVAILABLE,
        ErrorCode,
    )
    from mlflow.utils.uri import is_databricks_uri

    from services.platforms.databricks import refusals

    # MLflow wraps what its HTTP client raises, with the whole address and retry count in the text.
    if type(error.__context__).__module__.partition(".")[0] in NETWORK:
        return _unreachable(doing)
    if PAGE.search(str(error)):
        return refusals.page(doing)
    code = error.error_code if isinstance(error, MlflowException) else ""
    if code in REFUSALS and is_databricks_uri(mlflow.get_tracking_uri()):
        return refusals.of_status(REFUSALS[code], doing, _first_line(error))
    if code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
        return NotFoundError(
            Message("{doing}: it does not exist ({reason}).", doing=doing, reason=_first_line(error)),
            Message("It may have been deleted. Choose another one."),
        )
    if code == ErrorCode.Name(PERMISSION_DENIED):
        return ForbiddenError(
            Message("{doing}: MLflow refused ({reason}).", doing=doing, reason=_first_line(error)),
            Message("Ask the owner of the experiment for permission."),
        )
    return PlatformError(
        Message("{doing}: MLflow answered “{reason}”.", doing=doing, reason=_first_line(error)),
        Message("Try again; if it stays, show this sentence to an engineer."),
        retryable=code == ErrorCode.Name(TEMPORARILY_UNAVAILABLE),
    )


def _from_openai(error: Exception, doing: Message) -> ConsoleError:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return PlatformError(
            Message("{doing}: the model did not answer in time.", doing=doing),
            Message("Try again; if it stays, choose a faster model or ask for a shorter answer."),
            retryable=True,
        )
    if isinstance(error, openai.APIConnectionError):
        return PlatformError(
            Message("{doing}: the model could not be reached.", doing=doing),
            Message("Check OPENAI_BASE_URL and that the model is running, then try again."),
            retryable=True,
        )
    if isinstance(error, openai.RateLimitError):
        return PlatformError(
            Message("{doing}: the model is busy (429).", doing=doing),
            Message("Wait a minute and try again, or raise the model's rate limit."),
            retryable=True,
        )
    if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
        return ForbiddenError(
            Message("{doing}: the model refused the key.", doing=doing), Message("Check OPENAI_API_KEY.")
        )
    if isinstance(error, (openai.BadRequestError, openai.NotFoundError, openai.UnprocessableEntityError)):
        said = error.body.get("message") if isinstance(error.body, dict) else None
        return PlatformError(
            Message("{doing}: the model refused the request ({status}): {reason}", doing=doing, status=error.status_code, reason=masked(str(said or _first_line(error)))[:300]),
            Message("Check the model's name and the settings, then try again."),
        )  # fmt: skip
    status = error.status_code if isinstance(error, openai.APIStatusError) else 0
    return PlatformError(
        Message("{doing}: the model answered with an error ({status}).", doing=doing, status=status),
        Message("Try again; if it stays, check the model's name and its log."),
        retryable=status >= 500,
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    # Providers repeat what they were sent, keys included.
    return masked(lines[0])[:300] if lines else type(error).__name__
