"""Whether the workspace answers and who we are there, asked once and briefly, before any SDK may wait for minutes."""

import os
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from services.errors import ConsoleError, ForbiddenError, PlatformError
from services.messages import Message
from services.platforms.databricks import grants
from services.platforms.databricks.access import M2M, PAT, Access, credentials

SECONDS = 5.0
ME = "/api/2.0/preview/scim/v2/Me"
OWN_WAYS = (PAT, M2M)
ORGANISATION = "X-Databricks-Org-Id"
UNAUTHENTICATED, FORBIDDEN, BUSY = 401, 403, 429
T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """Who the workspace takes this server for; `workspace_id` is the number its links carry as `?o=`."""

    name: str
    workspace_id: str | None
    groups: tuple[str, ...] = ()


def check(access: Access, environ: Mapping[str, str] = os.environ, seconds: float = SECONDS) -> Identity:
    """Who we are; raises ForbiddenError or PlatformError with what to mend, within `seconds`."""
    if access.auth_type not in OWN_WAYS:
        import databricks.sdk.config  # noqa: F401 - its import takes seconds, which are not the workspace's
    try:
        found = within(seconds, lambda: _identity(access, environ, seconds))
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise PlatformError(
            Message("{host} did not answer within {n} seconds.", host=access.host, n=round(seconds)),
            Message("Check the VPN, the proxy and the firewall between this machine and the workspace."),
            retryable=True,
        ) from error
    except httpx2.HTTPError as error:
        raise _unreachable(access.host, error) from error
    grants.remember(found.name)
    return found


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns; raises TimeoutError when it takes longer. Looking a name up has no time limit of its own."""
    thread = ThreadPoolExecutor(1)
    try:
        return thread.submit(call).result(seconds)
    finally:
        thread.shutdown(wait=False)


def _identity(access: Access, environ: Mapping[str, str], seconds: float) -> Identity:
    with httpx2.Client(base_url=access.host, timeout=seconds) as client:
        answer = client.get(ME, headers=headers(access, environ, client))
    me = _read(access, answer)
    number = answer.headers.get(ORGANISATION) or access.workspace_id
    groups = tuple(str(group.get("display")) for group in me.get("groups", []))
    return Identity(str(me.get("userName") or me.get("displayName") or "?"), number, groups)


def headers(access: Access, environ: Mapping[str, str], client: httpx2.Client) -> Mapping[str, str]:
    """How this server signs in: by the token, by one fetched for the service principal, or as the SDK does it."""
    if access.auth_type not in OWN_WAYS:
        # The SDK waits long for a host that is away: ours asks first, and any answer at all will do.
        client.get(ME)
        return _signed_by_sdk(access)
    name, secret = credentials(access, environ)
    token = secret if access.auth_type == PAT else _fetched_token(access, name, secret, client)
    return {"Authorization": f"Bearer {token}"}


def _fetched_token(access: Access, id: str, secret: str, client: httpx2.Client) -> str:
    grant = {"grant_type": "client_credentials", "scope": "all-apis"}
    return str(_read(access, client.post("/oidc/v1/token", data=grant, auth=(id, secret)))["access_token"])


def _signed_by_sdk(access: Access) -> Mapping[str, str]:
    from databricks.sdk.config import Config

    try:
        config = Config(host=access.host, auth_type=access.auth_type, profile=access.profile, retry_timeout_seconds=2)
        return config.authenticate()
    except ValueError as error:
        raise ForbiddenError(
            Message("Signing in to {host} by “{way}” failed.", host=access.host, way=access.auth_type),
            Message("Sign in again with “databricks auth login”, or choose other credentials."),
        ) from error


def _read(access: Access, answer: httpx2.Response) -> dict[str, Any]:
    """The answer's JSON; raises what its status means."""
    if answer.status_code != httpx2.codes.OK:
        raise _refused(access, answer)
    try:
        body = answer.json()
    except ValueError as error:
        raise _no_workspace(access.host) from error
    if not isinstance(body, dict):
        raise _no_workspace(access.host)
    return body


def _refused(access: Access, answer: httpx2.Response) -> ConsoleError:
    status, values = answer.status_code, {"host": access.host, "way": access.auth_type}
    if status == BUSY:
        return PlatformError(
            Message("{host} has no room for more requests just now (429).", host=access.host),
            Message("Wait {n} seconds and try again.", n=answer.headers.get("Retry-After") or 60),
            retryable=True,
        )
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return PlatformError(
            Message("{host} is not available just now ({status}).", host=access.host, status=status),
            Message("Wait a minute and try again; the status page of Databricks tells longer outages."),
            retryable=True,
        )
    if "json" not in answer.headers.get("Content-Type", ""):
        return _no_workspace(access.host)
    if status == UNAUTHENTICATED:
        return ForbiddenError(
            Message("{host} did not accept the credentials (“{way}”): they are unknown or of another workspace.", **values),
            Message("Check them, and that DATABRICKS_HOST is the workspace they belong to. Then start the console again."),
        )  # fmt: skip
    if status == FORBIDDEN:
        return ForbiddenError(
            Message("{host} refused the credentials (“{way}”): they have expired, were withdrawn, or belong to another workspace.", **values),
            Message("Make new ones, set them where the old ones were set, and start the console again."),
        )  # fmt: skip
    return _no_workspace(access.host)


def _no_workspace(host: str) -> PlatformError:
    return PlatformError(
        Message("{host} answered with a page that is none of a Databricks workspace.", host=host),
        Message("Check DATABRICKS_HOST; a sign-in page of a proxy or VPN may stand in between."),
    )


def _unreachable(host: str, error: httpx2.HTTPError) -> PlatformError:
    causes = _causes(error)
    if any(isinstance(one, socket.gaierror) for one in causes):
        return PlatformError(
            Message("No machine is known under the name {host}.", host=host),
            Message("Correct DATABRICKS_HOST, or check the name service and the VPN."),
        )
    if any(isinstance(one, ssl.SSLError) for one in causes):
        return PlatformError(
            Message("The certificate of {host} is not trusted here.", host=host),
            Message("Set SSL_CERT_FILE to your organisation's certificates."),
        )
    if isinstance(error, httpx2.ConnectError):
        return PlatformError(
            Message("Nothing answers at {host}: the connection was refused.", host=host),
            Message("Correct DATABRICKS_HOST, or check the proxy and the firewall."),
            retryable=True,
        )
    return PlatformError(
        Message("{host} dropped the connection.", host=host),
        Message("Try again; if it stays, check the proxy between this machine and the workspace."),
        retryable=True,
    )


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
