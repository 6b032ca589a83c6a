"""Where the environment lets people sign in by OpenID Connect, and in which claims the provider says who they are."""

import importlib.util
import os
import secrets as random
import tomllib
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.errors import InvalidInputError, NotReadyError
from services.messages import Message
from services.secrets import LOOPBACK, Secret

URL, CLIENT, CLIENT_SECRET = "SIGNALBOX_OIDC_URL", "SIGNALBOX_OIDC_CLIENT_ID", "SIGNALBOX_OIDC_CLIENT_SECRET"
COOKIE_SECRET = "SIGNALBOX_COOKIE_SECRET"
PUBLIC = "SIGNALBOX_PUBLIC_URL"
HOURS = "SIGNALBOX_SESSION_HOURS"
DISCOVERY = "/.well-known/openid-configuration"
CALLBACK = "/oauth2callback"
# A cookie that only says that somebody signed in with this browser: it outlives the sign-in, and goes with *Sign out*.
EARLIER = "signalbox_signed_in_before"
LEAST_SECRET = 32
MOST_HOURS = 24 * 30
# The names of Streamlit's own file of secrets.
IN_FILE = {
    "client_id": CLIENT,
    "client_secret": CLIENT_SECRET,
    "server_metadata_url": URL,
    "cookie_secret": COOKIE_SECRET,
}


@dataclass(frozen=True)
class Oidc:
    """How people sign in; `hours` after which they do so again."""

    url: str = ""
    client_id: str = ""
    client_secret: Secret | None = None
    cookie_secret: Secret | None = None
    email_claim: str = "email"
    groups_claim: str = "groups"
    scope: str = "openid email profile"
    hours: float = 8.0

    @property
    def metadata_url(self) -> str:
        """Where the provider describes itself."""
        return self.url if self.url.endswith(DISCOVERY) else self.url.rstrip("/") + DISCOVERY


def read(environ: Mapping[str, str]) -> Oidc:
    """What is set, whole or not: only the web server needs all of it; raises InvalidInputError for a wrong number."""
    secret, cookie = environ.get(CLIENT_SECRET), environ.get(COOKIE_SECRET)
    return Oidc(
        url=environ.get(URL) or "",
        client_id=environ.get(CLIENT) or "",
        client_secret=Secret(secret) if secret else None,
        cookie_secret=Secret(cookie) if cookie else None,
        email_claim=environ.get("SIGNALBOX_OIDC_EMAIL_CLAIM") or Oidc.email_claim,
        groups_claim=environ.get("SIGNALBOX_OIDC_GROUPS_CLAIM") or Oidc.groups_claim,
        scope=environ.get("SIGNALBOX_OIDC_SCOPE") or Oidc.scope,
        hours=_hours(environ.get(HOURS) or str(Oidc.hours)),
    )


def add_secrets_file(environ: MutableMapping[str, str], folder: Path) -> None:
    """Add what `[auth]` of `.streamlit/secrets.toml` sets and the environment does not."""
    file = folder / ".streamlit" / "secrets.toml"
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("auth", {}) if file.is_file() else {}
        if not isinstance(found, dict):
            raise ValueError("auth is no table")
    except (OSError, ValueError) as error:
        # Not the reason: it may quote the line with the secret.
        raise InvalidInputError(
            Message("The file {path} cannot be read.", path=str(file)), Message("Save it as TOML with a table [auth].")
        ) from error
    for theirs, ours in IN_FILE.items():
        if isinstance(found.get(theirs), str):
            environ.setdefault(ours, found[theirs])
    if str(found.get("redirect_uri", "")).endswith(CALLBACK):
        environ.setdefault(PUBLIC, found["redirect_uri"].removesuffix(CALLBACK))


def check(oidc: Oidc, public_url: str) -> None:
    """Raises NotReadyError or InvalidInputError for what is missing before anyone can sign in."""
    if importlib.util.find_spec("authlib") is None:
        raise NotReadyError(
            Message("SIGNALBOX_IDENTITY is “oidc”, but the package Authlib is not installed."),
            Message("Install it: .venv/bin/uv pip install 'authlib>=1.9'"),
        )
    needed = {URL: oidc.url, CLIENT: oidc.client_id, CLIENT_SECRET: oidc.client_secret, PUBLIC: public_url}
    if missing := [name for name, value in needed.items() if not value]:
        raise InvalidInputError(
            Message("SIGNALBOX_IDENTITY is “oidc”, but {names} is not set.", names=", ".join(missing)),
            Message("docs/signing_in.md tells what each of them is, and where to find it at your provider."),
        )
    for name, url in ((URL, oidc.url), (PUBLIC, public_url)):
        if not _private(url):
            raise InvalidInputError(
                Message("{name} does not begin with https://, so others could read who signs in.", name=name),
                Message("Set {name} to an address that begins with https://.", name=name),
            )
    if urlsplit(public_url).path.strip("/"):
        raise InvalidInputError(
            Message("{name} has a path, but people can sign in only at the root of an address.", name=PUBLIC),
            Message("Give the console a host name of its own, and set {name} to it.", name=PUBLIC),
        )
    if oidc.cookie_secret is not None and len(oidc.cookie_secret.value) < LEAST_SECRET:
        raise InvalidInputError(
            Message(
                "{name} is shorter than {n} characters, so it could be guessed.", name=COOKIE_SECRET, n=LEAST_SECRET
            ),
            Message("Leave it out: the console then makes one and keeps it in the data folder."),
        )


def signing_secret(oidc: Oidc, run_folder: Path) -> str:
    """What signs the cookie of a sign-in: the one that is set, else one that is made once and kept for its owner."""
    if oidc.cookie_secret is not None:
        return oidc.cookie_secret.value
    file = run_folder / "cookie.secret"
    run_folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        # Whole from its first moment: whoever comes second takes the first one's.
        made = file.with_suffix(f".{random.token_hex(4)}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(random.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(made, file)
        made.unlink()
    return file.read_text("ascii")


def for_streamlit(oidc: Oidc, public_url: str, run_folder: Path) -> dict[str, Any]:
    """The section `auth` of Streamlit's secrets."""
    return {
        "redirect_uri": public_url + CALLBACK,
        "cookie_secret": signing_secret(oidc, run_folder),
        "client_id": oidc.client_id,
        "client_secret": oidc.client_secret.value if oidc.client_secret else "",
        "server_metadata_url": oidc.metadata_url,
        "client_kwargs": {"scope": oidc.scope},
    }


def _private(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _hours(value: str) -> float:
    try:
        hours = float(value)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= MOST_HOURS:
        raise InvalidInputError(
            Message("{name} is “{value}”, which is no number of hours.", name=HOURS, value=value),
            Message("Set {name} to a number of hours up to {n}.", name=HOURS, n=MOST_HOURS),
        )
    return hours
