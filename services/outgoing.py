"""Where the environment lets messages leave the console: Slack-compatible webhooks, a mail server, its own address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from services.errors import InvalidInputError
from services.messages import Message
from services.secrets import LOOPBACK, Secret

SLACK = "SIGNALBOX_SLACK_URL"
SMTP, SENDER = "SIGNALBOX_SMTP_URL", "SIGNALBOX_SMTP_FROM"
PUBLIC = "SIGNALBOX_PUBLIC_URL"
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Smtp:
    """A mail server; `tls`: encrypted from the first byte, else as soon as the server offers it."""

    host: str
    port: int
    tls: bool
    sender: str
    user: str = ""
    password: Secret | None = None

    @property
    def here(self) -> bool:
        return self.host in LOOPBACK


@dataclass(frozen=True)
class Outgoing:
    """What may be used; `slack` holds addresses, which are secrets, by the name people choose them by."""

    slack: Mapping[str, Secret] = field(default_factory=dict)
    smtp: Smtp | None = None
    public_url: str = ""


def read(environ: Mapping[str, str]) -> Outgoing:
    """Raises InvalidInputError that names the variable and never its value."""
    slack = {
        name.removeprefix(SLACK).strip("_").lower() or "slack": Secret(_web(name, url))
        for name, url in environ.items()
        if (name == SLACK or name.startswith(f"{SLACK}_")) and url
    }
    public = environ.get(PUBLIC)
    return Outgoing(dict(sorted(slack.items())), _smtp(environ), _web(PUBLIC, public).rstrip("/") if public else "")


def _web(name: str, url: str) -> str:
    parts = _parts(name, url)
    plain = parts.scheme == "http" and (parts.hostname in LOOPBACK or name == PUBLIC)
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise _wrong(name, Message("Set {name} to an address that begins with https://.", name=name))
    return url


def _smtp(environ: Mapping[str, str]) -> Smtp | None:
    url = environ.get(SMTP)
    if not url:
        return None
    remedy = Message(
        "Set {name} to smtps://user:password@host, or smtp:// for a server that offers STARTTLS.", name=SMTP
    )
    parts = _parts(SMTP, url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise _wrong(SMTP, remedy)
    sender = environ.get(SENDER) or unquote(parts.username or "")
    if "@" not in sender or any(one in sender for one in "\r\n"):
        raise _wrong(SENDER, Message("Set {name} to the address that mails come from.", name=SENDER))
    return Smtp(
        parts.hostname,
        parts.port or PORTS[parts.scheme],
        parts.scheme == "smtps",
        sender,
        unquote(parts.username or ""),
        Secret(unquote(parts.password)) if parts.password else None,
    )


def _parts(name: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise _wrong(name, Message("Correct {name}.", name=name)) from error
    return parts


def _wrong(name: str, remedy: Message) -> InvalidInputError:
    return InvalidInputError(Message("{name} cannot be used as it is.", name=name), remedy)
