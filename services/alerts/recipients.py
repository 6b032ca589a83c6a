"""Where an app's alerts go: which channels, to whom, in which language. Secrets stay in the environment."""

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from services import apps, audit
from services.audit import Verb
from services.errors import InvalidInputError, NotReadyError
from services.messages import LANGUAGES, Message, mark
from services.releases import telling

if TYPE_CHECKING:
    from services.workspace import Workspace

CHANNELS = "alert_channels"
WEBHOOK, SLACK, EMAIL = "webhook", "slack", "email"
NAME = {WEBHOOK: mark("Signed webhook"), SLACK: mark("Slack"), EMAIL: mark("E-mail")}
MAIL = re.compile(r"[^@\s,;<>\"\\]+@[^@\s,;<>\"\\]+")
MOST_PEOPLE = 20


@dataclass(frozen=True)
class Channels:
    """`slack` is the name of an address in the environment; `email` are the people who get mails."""

    webhook: bool = False
    slack: str = ""
    email: tuple[str, ...] = ()
    language: str = "en"

    @property
    def used(self) -> tuple[str, ...]:
        """The channels that lead somewhere."""
        wanted = {WEBHOOK: self.webhook, SLACK: bool(self.slack), EMAIL: bool(self.email)}
        return tuple(name for name, there in wanted.items() if there)


def channels(workspace: "Workspace") -> Channels:
    stored = apps.load_setting(workspace, CHANNELS) or {}
    return Channels(**stored | {"email": tuple(stored.get("email", ()))})


def missing(workspace: "Workspace") -> dict[str, Message]:
    """By channel, what must be set before it can be used."""
    settings, found = workspace.settings, {}
    if not telling.address(workspace) or settings.webhook_secret is None:
        found[WEBHOOK] = Message("Give the app a webhook's address first, on the Apps screen under Approval.")
    if not settings.outgoing.slack:
        found[SLACK] = Message(
            "Set SIGNALBOX_SLACK_URL in the console's environment to the address that Slack gave you, and start it again."
        )
    if settings.outgoing.smtp is None:
        found[EMAIL] = Message(
            "Set SIGNALBOX_SMTP_URL and SIGNALBOX_SMTP_FROM in the console's environment, and start it again."
        )
    return found


def unusable(channel: str) -> Message:
    return Message("{channel} cannot be used yet.", channel=Message(NAME[channel]))


def version(workspace: "Workspace") -> int:
    """Which version of the channels stands now, for `save`."""
    return apps.load_version(workspace, CHANNELS)[0]


def save(workspace: "Workspace", wanted: Channels, read: int | None = None) -> None:
    """Store where alerts go; raises NotReadyError for a channel that the environment does not offer.

    `read`: the version that it was made from; raises ConflictError when it is not the newest any more.
    """
    absent = missing(workspace)
    for name in wanted.used:
        if name in absent:
            raise NotReadyError(unusable(name), absent[name])
    if wanted.slack and wanted.slack not in workspace.settings.outgoing.slack:
        raise NotReadyError(unusable(SLACK))
    wrong = [one for one in wanted.email if not MAIL.fullmatch(one)]
    if wrong or len(wanted.email) > MOST_PEOPLE:
        raise InvalidInputError(
            Message("“{address}” is not an e-mail address.", address=wrong[0][:80])
            if wrong
            else Message("At most {n} people get mails.", n=MOST_PEOPLE),
            Message("Write addresses such as ada@example.com, one on each line."),
        )
    if wanted.language not in LANGUAGES:
        raise InvalidInputError(Message("This language is not known."), Message("Choose one from the list."))
    with audit.change(workspace, Verb.CHOOSE_CHANNELS, "alerts", _plain(channels(workspace)), _plain(wanted)):
        apps.save_setting(workspace, CHANNELS, _plain(wanted), read=read)


def _plain(one: Channels) -> dict[str, Any]:
    return asdict(one) | {"email": list(one.email)}
