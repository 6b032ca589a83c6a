"""What a backup says about itself: every file with its hash, and the newest line of the audit log."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from services.errors import InvalidInputError
from services.messages import Message
from services.secrets import is_key

NAME = "manifest.json"
FORMAT = 1
CHUNK = 1 << 20
LARGEST = 100_000_000
# Names only, never a value that could be a key: what is not listed here does not leave the machine.
SETTINGS = (
    "SIGNALBOX_HOST", "SIGNALBOX_PORT", "SIGNALBOX_GATEWAY_PORT", "SIGNALBOX_DATABASE_URL", "SIGNALBOX_IDENTITY",
    "SIGNALBOX_OPERATOR", "SIGNALBOX_ROLES_FILE", "SIGNALBOX_EMAIL_HEADER", "SIGNALBOX_GROUPS_HEADER", "SIGNALBOX_MODEL",
    "SIGNALBOX_JUDGE_MODEL", "SIGNALBOX_LOG_FORMAT", "MLFLOW_TRACKING_URI", "OPENAI_BASE_URL",
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """One file of a backup."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """`home`: where it was made, which the stores name in their paths. `elsewhere`: MLflow's store, when it is not in it.

    `outside`: places outside that folder by what they are named in it; `missing`: places of files that are not in it.
    """

    made_at: str
    version: str
    home: str
    audit_lines: int
    audit_newest: int
    audit_hash: str
    settings: Mapping[str, str]
    secrets: tuple[str, ...]
    elsewhere: tuple[str, ...]
    outside: Mapping[str, str]
    missing: tuple[str, ...]
    files: Mapping[str, Held]

    def written(self) -> bytes:
        return json.dumps({"format": FORMAT} | asdict(self), separators=(",", ":"), sort_keys=True).encode()


def read(content: bytes) -> Manifest:
    """Raises InvalidInputError for what is no manifest, or one that a newer console wrote."""
    try:
        found: dict[str, Any] = json.loads(content)
        if found.pop("format") != FORMAT:
            raise InvalidInputError(
                Message("The backup was made by another version of Signalbox."),
                Message("Restore it with the version that made it."),
            )
        files = {path: Held(**held) for path, held in found.pop("files").items()}
        found |= {name: tuple(found[name]) for name in ("secrets", "elsewhere", "missing")}
        return Manifest(**found, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise unusable() from error


def unusable() -> InvalidInputError:
    return InvalidInputError(
        Message("The file is not a backup of Signalbox, or it is damaged."),
        Message("Choose a file that “backup” wrote; take an earlier one if this is the only copy."),
    )


def settings_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that a restored console needs, addresses without the name and password in them."""
    return {name: _without_login(environ[name]) for name in SETTINGS if environ.get(name)}


def keys_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Which keys are set, by their names alone."""
    return tuple(name for name in sorted(environ) if environ[name] and is_key(name))


def copy(source: IO[bytes], target: IO[bytes]) -> Held:
    """Copy everything and say what it was."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(CHUNK):
        digest.update(piece)
        size += len(piece)
        target.write(piece)
    return Held(digest.hexdigest(), size)


def _without_login(value: str) -> str:
    """Logins stand before an @, keys after a ?: neither leaves the machine."""
    parts = urlsplit(value)
    if not parts.netloc or parts.scheme == "sqlite":  # a file, which has no login
        return value
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
