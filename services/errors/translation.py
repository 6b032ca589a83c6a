"""The one place where what the SDKs raise becomes an error of ours."""

import json
import sqlite3
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from services.errors import answers
from services.errors.console import ConsoleError, PlatformError
from services.messages import Message

Read = TypeVar("Read")
P = ParamSpec("P")
# What SQLite answers where nothing is wrong with what was asked: busy, locked, read-only, not to be read or written, full.
SQLITE_AWAY = (5, 6, 8, 10, 13, 14)
# MLflow's local store calls a missing alias or version an invalid parameter.
NOT_FOUND = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE")


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


def existing(read: Callable[P, Read], *args: P.args, **named: P.kwargs) -> Read | None:
    """What `read` gives for these arguments; None where MLflow says that it does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return read(*args, **named)
    except MlflowException as error:
        if is_missing(error):
            return None
        raise


def _from_foreign(error: Exception, doing: Message) -> ConsoleError:
    reason = f"{type(error).__name__}: {answers.first_line(error)}"
    return PlatformError(
        Message("{doing}: the code that was brought failed with “{reason}”.", doing=doing, reason=reason),
        Message("Mend that code, and try again."),
    )


def _from_sdk(error: Exception, doing: Message) -> ConsoleError | None:
    # The SDKs are imported only when one of them failed: the ground stays light for the gateway.
    module = type(error).__module__.partition(".")[0]
    if module == "mlflow":
        return answers.from_mlflow(error, doing)
    if module == "openai":
        return answers.from_openai(error, doing)
    if module == "databricks":
        from services.platforms.databricks import troubles

        return troubles.translated(error, doing)
    # MLflow's newer requests read whatever came as an answer.
    if isinstance(error, json.JSONDecodeError) and error.doc.lstrip().startswith("<"):
        from services.platforms.databricks import refusals

        return refusals.page(doing)
    if module == "requests" and (refused := answers.from_requests(error, doing)) is not None:
        return refused
    if module in answers.NETWORK or isinstance(error, TimeoutError):
        return answers.unreachable(doing)
    if module == "sqlalchemy" or _is_away(error):
        return PlatformError(
            Message(
                "{doing}: the database did not accept it ({reason}).", doing=doing, reason=answers.first_line(error)
            ),
            Message("Check the free space and the permissions of the data folder, then try again."),
            retryable=True,
        )
    if isinstance(error, OSError):
        return PlatformError(
            Message("{doing}: {reason}.", doing=doing, reason=error.strerror or answers.first_line(error)),
            Message("Check the free space and the permissions of the data folder, then try again."),
        )
    return None


def _is_away(error: Exception) -> bool:
    """Whether a SQLite file that is not reached by SQLAlchemy cannot be used now."""
    code = getattr(error, "sqlite_errorcode", 0)  # Python's own module says some things without SQLite
    return isinstance(error, sqlite3.OperationalError) and code & 0xFF in SQLITE_AWAY
