"""What MLflow, a model, or a workspace answered, as an error of ours."""

import re

from services.errors.console import ConsoleError, ForbiddenError, NotFoundError, PlatformError
from services.messages import Message
from services.secrets import masked

NETWORK = ("requests", "urllib3", "httpx2", "httpx")
# What a workspace answers by, in MLflow's words; an MLflow server of one's own has no privileges to grant.
REFUSALS = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "REQUEST_LIMIT_EXCEEDED": 429}
# How MLflow passes on what is no answer of its server.
PAGE = re.compile(r"Response body: '\s*<")


def unreachable(doing: Message) -> PlatformError:
    return PlatformError(
        Message("{doing}: the platform could not be reached.", doing=doing),
        Message("Check that it is running and try again."),
        retryable=True,
    )


def from_requests(error: Exception, doing: Message) -> ConsoleError | None:
    """An answer with an error, as the clients pass it on that know no other; None when nobody answered."""
    from requests import HTTPError

    from services.platforms.databricks import refusals

    if not isinstance(error, HTTPError) or error.response is None:
        return None
    return refusals.of_status(error.response.status_code, doing, first_line(error))


def from_mlflow(error: Exception, doing: Message) -> ConsoleError:
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
        return unreachable(doing)
    if PAGE.search(str(error)):
        return refusals.page(doing)
    code = error.error_code if isinstance(error, MlflowException) else ""
    if code in REFUSALS and is_databricks_uri(mlflow.get_tracking_uri()):
        return refusals.of_status(REFUSALS[code], doing, first_line(error))
    if code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
        return NotFoundError(
            Message("{doing}: it does not exist ({reason}).", doing=doing, reason=first_line(error)),
            Message("It may have been deleted. Choose another one."),
        )
    if code == ErrorCode.Name(PERMISSION_DENIED):
        return ForbiddenError(
            Message("{doing}: MLflow refused ({reason}).", doing=doing, reason=first_line(error)),
            Message("Ask the owner of the experiment for permission."),
        )
    return PlatformError(
        Message("{doing}: MLflow answered “{reason}”.", doing=doing, reason=first_line(error)),
        Message("Try again; if it stays, show this sentence to an engineer."),
        retryable=code == ErrorCode.Name(TEMPORARILY_UNAVAILABLE),
    )


def from_openai(error: Exception, doing: Message) -> ConsoleError:
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
            Message("{doing}: the model refused the request ({status}): {reason}", doing=doing, status=error.status_code, reason=masked(str(said or first_line(error)))[:300]),
            Message("Check the model's name and the settings, then try again."),
        )  # fmt: skip
    status = error.status_code if isinstance(error, openai.APIStatusError) else 0
    return PlatformError(
        Message("{doing}: the model answered with an error ({status}).", doing=doing, status=status),
        Message("Try again; if it stays, check the model's name and its log."),
        retryable=status >= 500,
    )


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    # Providers repeat what they were sent, keys included.
    return masked(lines[0])[:300] if lines else type(error).__name__
