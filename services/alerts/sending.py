"""What is sent of an alert, by which channel: queued with a fixed id, sent by jobs until it is taken."""

import json
import smtplib
import ssl
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from services import audit, delivery
from services.alerts import muting, recipients, records
from services.alerts.recipients import EMAIL, SLACK, WEBHOOK, Channels
from services.alerts.records import Alert
from services.alerts.rules import Rule
from services.audit import Verb
from services.database import now
from services.errors import NotReadyError, PlatformError
from services.messages import Message, render, text
from services.outgoing import Smtp
from services.releases import telling

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

JOB = "tell_alert"
FIRING, STILL, OVER, TEST = "firing", "still_firing", "resolved", "test"


@dataclass(frozen=True)
class Letter:
    """One message, ready in the app's language. `state` is FIRING, STILL, OVER or TEST; `rule` is the rule's id."""

    id: str
    state: str
    app: str
    rule: str
    title: str
    lines: tuple[str, ...]
    link: str
    at: str

    @property
    def whole(self) -> str:
        return "\n".join((*self.lines, "", self.link))


def tell(workspace: "Workspace", rule: Rule, alert: Alert, state: str) -> None:
    """Queue it for every channel of the rule; asked again for the same, the same ids are queued again."""
    where = recipients.channels(workspace)
    number = "" if state == OVER else f"-{alert.told + 1}"
    for channel in set(rule.to) & set(where.used):
        id = f"{workspace.app.id}-alert-{alert.id}-{state}{number}-{channel}"
        _queue(workspace, channel, _letter(workspace, rule, alert, state, where, id), alert)


def tell_test(workspace: "Workspace", channel: str) -> "Job":
    """Send a test, once; how it went is the job's result."""
    language = recipients.channels(workspace).language
    app = workspace.app
    title = text("Test of the alerts of {app}", language, app=app.name)
    said = text("If you read this, alerts of {app} reach you here. Nothing is wrong.", language, app=app.name)
    id = f"{app.id}-alert-test-{now():%Y%m%d%H%M%S%f}-{channel}"
    letter = Letter(id, TEST, app.id, "", title, (said,), _link(workspace, "alerts", {}), now().isoformat())
    with audit.change(workspace, Verb.CHOOSE_CHANNELS, f"test of {channel}"):
        return _queue(workspace, channel, letter)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """Send one letter; what is not taken is asked again later, and nothing is sent by a channel that was given up."""
    args = work.args
    letter = Letter(**args["letter"] | {"lines": tuple(args["letter"]["lines"])})
    where = recipients.channels(workspace)
    if args["channel"] not in where.used:
        return {"told": None}
    if absent := recipients.missing(workspace).get(args["channel"]):
        raise NotReadyError(recipients.unusable(args["channel"]), absent)
    if args.get("alert") and not _timely(workspace, args["alert"], args["told"], letter):
        return {"told": None}
    refused = _send(workspace, where, args["channel"], letter)
    given_up = PlatformError(
        Message(
            "{channel} did not take the message: {reason}",
            channel=Message(recipients.NAME[args["channel"]]),
            reason=refused or "",
        ),
        Message("Look at the address and the password in the console's environment, then send a test again."),
    )
    return delivery.settle(workspace, JOB, args, refused, given_up)


def _timely(workspace: "Workspace", id: int, told: int, letter: Letter) -> bool:
    """Whether a letter that may have waited is still true, and wanted now; else it is told when nobody is spared."""
    if letter.state != OVER and not records.still_open(workspace, id):
        return False
    if muting.in_maintenance(workspace) is None and letter.rule not in muting.muted_until(workspace):
        return True
    records.was_not_told(workspace, id, told, over=letter.state == OVER)
    return False


def _queue(workspace: "Workspace", channel: str, letter: Letter, alert: Alert | None = None) -> "Job":
    """Without an alert it is a test, which is sent once."""
    about = {"alert": alert.id, "told": alert.told} if alert else {}
    args = {"id": letter.id, "channel": channel, "letter": asdict(letter), "tried": 0, "once": alert is None, **about}
    return delivery.queue(workspace, JOB, args)


def _letter(workspace: "Workspace", rule: Rule, alert: Alert, state: str, where: Channels, id: str) -> Letter:
    language, said = where.language, alert.text
    name = {
        FIRING: Message("{app}: {rule}", app=workspace.app.name, rule=rule.name),
        STILL: Message("{app}: {rule} (still so)", app=workspace.app.name, rule=rule.name),
        OVER: Message("{app}: {rule} (over)", app=workspace.app.name, rule=rule.name),
    }[state]
    when = Message(
        "From {since} to {until}.", since=_moment(workspace, said.since), until=_moment(workspace, said.until)
    )
    lines = [said.what, when]
    if state != OVER:
        changed = Message("{suspect} ({time})", suspect=said.suspect, time=_moment(workspace, said.changed_at))
        lines += [changed if said.changed_at else said.suspect, said.consequence, said.step.what]
    link = _link(workspace, said.step.page, said.step.query) if state != OVER else _link(workspace, "alerts", {})
    return Letter(
        id,
        state,
        workspace.app.id,
        rule.id,
        render(name, language),
        tuple(render(line, language) for line in lines),
        link,
        (alert.ended_at or alert.started_at).isoformat(),
    )


def _link(workspace: "Workspace", page: str, query: dict[str, str]) -> str:
    return f"{workspace.settings.address}/{page}?{urlencode({'app': workspace.app.id} | query)}"


def _moment(workspace: "Workspace", time: datetime | None) -> str:
    return time.astimezone(ZoneInfo(workspace.app.time_zone)).strftime("%Y-%m-%d %H:%M %Z") if time else ""


def _send(workspace: "Workspace", where: Channels, channel: str, letter: Letter) -> str | None:
    """Why it was not taken; None when it was."""
    outgoing = workspace.settings.outgoing
    if channel == WEBHOOK:
        body = asdict(letter) | {"type": f"alert.{letter.state}", "lines": list(letter.lines)}
        secret = workspace.settings.webhook_secret
        return delivery.post_signed(telling.address(workspace), letter.id, json.dumps(body, sort_keys=True), secret)
    if channel == SLACK:
        url = outgoing.slack.get(where.slack)
        words = json.dumps({"text": f"*{_slack(letter.title)}*\n{_slack(letter.whole)}"})
        return delivery.post(url.value, words, {"webhook-id": letter.id}) if url else "–"
    assert channel == EMAIL
    return _mail(outgoing.smtp, where.email, letter) if outgoing.smtp else "–"


def _slack(words: str) -> str:
    """The three characters that Slack reads as its own marks."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mail(server: Smtp, people: tuple[str, ...], letter: Letter) -> str | None:
    mail = EmailMessage()
    mail["Subject"] = " ".join(letter.title.split())
    mail["From"], mail["To"] = server.sender, ", ".join(people)
    mail["Message-ID"] = f"<{letter.id}@signalbox>"
    mail["X-Signalbox-Id"] = letter.id
    mail.set_content(letter.whole)
    try:
        with _connected(server) as connection:
            refused = connection.send_message(mail)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        return type(error).__name__
    # Part of the people got it: asked again they would get it twice, so that only a mail that nobody got is repeated.
    return None if len(refused) < len(people) else "SMTPRecipientsRefused"


def _connected(server: Smtp) -> smtplib.SMTP:
    """A password goes to no other machine in the clear."""
    trusted = ssl.create_default_context()
    if server.tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=delivery.SECONDS, context=trusted)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=delivery.SECONDS)
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=trusted)
        elif server.password and not server.here:
            connection.close()
            raise smtplib.SMTPNotSupportedError("STARTTLS")
    if server.password:
        connection.login(server.user, server.password.value)
    return connection
