"""Which of the credentials in the environment signs this server in to a workspace; never the credentials themselves."""

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from services.errors import InvalidInputError, PlatformError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

PAT = "pat"
M2M = "oauth-m2m"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SIGN_IN = Message(
    "Set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or DATABRICKS_CONFIG_PROFILE, in the environment or in a file .env."
)


@dataclass(frozen=True)
class Access:
    """The workspace and the way to sign in that was chosen; `unused` are the ways that are there as well."""

    host: str
    auth_type: str
    profile: str | None = None
    unused: tuple[str, ...] = ()
    workspace_id: str | None = None
    app_name: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What tells every SDK the same choice; two ways at once would otherwise stop them."""
        profile = {"DATABRICKS_CONFIG_PROFILE": self.profile} if self.profile else {}
        return {"DATABRICKS_HOST": self.host, "DATABRICKS_AUTH_TYPE": self.auth_type, **profile}


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for a Databricks workspace instead of the embedded platform."""
    chosen = environ.get("SIGNALBOX_PLATFORM")
    return chosen == "databricks" if chosen else (environ.get("MLFLOW_TRACKING_URI") or "").startswith("databricks")


def read(environ: Mapping[str, str]) -> Access:
    """The way in; raises InvalidInputError that names what is missing."""
    profile = _profile_name(environ)
    section = _profile(environ, profile) if profile else {}
    host, workspace_id = _host(environ.get("DATABRICKS_HOST") or section.get("host") or "")
    inside_app = environ.get("DATABRICKS_APP_NAME") or None
    ways = _ways(environ)
    chosen = environ.get("DATABRICKS_AUTH_TYPE") or _preferred(ways, app=inside_app is not None)
    if chosen is None and profile is None:
        raise InvalidInputError(Message("Nothing says how to sign in to {host}.", host=host), SIGN_IN)
    used_profile = profile if chosen not in ways else None
    return Access(
        host=host,
        auth_type=chosen or _way_of(section),
        profile=used_profile,
        unused=tuple(way for way in (*ways, *([f"profile {profile}"] if profile and not used_profile else [])) if way != chosen),
        workspace_id=workspace_id,
        app_name=inside_app,
    )  # fmt: skip


def of(workspace: "Workspace") -> Access:
    """The way to the connected workspace; raises PlatformError where the console is not connected to one."""
    access = workspace.settings.databricks
    if access is None:
        raise PlatformError(Message("No workspace is connected."))
    return access


def credentials(access: Access, environ: Mapping[str, str]) -> tuple[str, str]:
    """A token after an empty name, or a service principal's id and secret: what signs in, read where it is kept."""
    kept = (
        _profile(environ, access.profile)
        if access.profile
        else {
            "token": environ.get("DATABRICKS_TOKEN", ""),
            "client_id": environ.get("DATABRICKS_CLIENT_ID", ""),
            "client_secret": environ.get("DATABRICKS_CLIENT_SECRET", ""),
        }
    )
    if access.auth_type == PAT:
        return "", kept.get("token", "")
    return kept.get("client_id", ""), kept.get("client_secret", "")


def _profile_name(environ: Mapping[str, str]) -> str | None:
    """The profile that is named outright, or in MLflow's own form `databricks://name`."""
    in_address = (environ.get("MLFLOW_TRACKING_URI") or "").partition("databricks://")[2]
    return environ.get("DATABRICKS_CONFIG_PROFILE") or in_address or None


def _profile(environ: Mapping[str, str], name: str) -> dict[str, str]:
    file = Path(environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()
    # A % in a token is no placeholder, and the profile named DEFAULT is one like the others.
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read(file, "utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise InvalidInputError(
            Message("The Databricks configuration file {path} cannot be read.", path=str(file)),
            Message("Mend it, or write it anew with “databricks configure”."),
        ) from error
    if not parser.has_section(name):
        raise InvalidInputError(
            Message("There is no Databricks profile “{name}” in {path}.", name=name, path=str(file)),
            Message("Correct DATABRICKS_CONFIG_PROFILE, or create the profile with “databricks configure”."),
        )
    return dict(parser[name])


def _ways(environ: Mapping[str, str]) -> tuple[str, ...]:
    token = (PAT,) if environ.get("DATABRICKS_TOKEN") else ()
    principal = (M2M,) if environ.get("DATABRICKS_CLIENT_ID") and environ.get("DATABRICKS_CLIENT_SECRET") else ()
    return token + principal


def _preferred(ways: tuple[str, ...], app: bool) -> str | None:
    """A token first, as the SDK orders them; inside a Databricks App its own identity."""
    return M2M if app and M2M in ways else next(iter(ways), None)


def _way_of(section: Mapping[str, str]) -> str:
    if section.get("auth_type"):
        return section["auth_type"]
    if section.get("token"):
        return PAT
    return M2M if section.get("client_id") else "databricks-cli"


def _host(value: str) -> tuple[str, str | None]:
    """The address without slash and query, and the workspace's number when it was pasted along."""
    parts = urlsplit(value if "://" in value else f"https://{value}")
    if not value or not parts.hostname:
        raise InvalidInputError(
            Message("The console shall work on Databricks, but no workspace is named."),
            Message("Set DATABRICKS_HOST to its address, such as https://my-workspace.cloud.databricks.com."),
        )
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise InvalidInputError(
            Message("DATABRICKS_HOST begins with “{scheme}”, which would send the credentials in the clear.", scheme=parts.scheme),
            Message("Write the address with https://."),
        )  # fmt: skip
    named = re.match(r"adb-(\d+)\.", parts.hostname)
    number = parse_qs(parts.query).get("o") or ([named[1]] if named else [])
    return f"{parts.scheme}://{parts.netloc}", next(iter(number), None)
