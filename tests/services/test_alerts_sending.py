"""Alerts leave the console: signed, to a chat, by mail, to real receivers; at least once and always under the same id."""

import base64
import json
import os
import signal
import socketserver
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_string
from types import ModuleType

import pytest

from services import alerts, audit, delivery, jobs, outgoing
from services.alerts import Channels, Maintenance, Rule, Series, Way, records, sending
from services.database import now
from services.errors import InvalidInputError, NotReadyError, PlatformError
from services.jobs import State
from services.processes.worker import Worker
from services.readmodel.facts import SLOT_MS
from services.releases import telling
from services.secrets import Secret
from tests.known_traces import asked, keep
from tests.services.test_alerts import LATE_MS
from tests.services.test_releases_telling import receiver

ERRORS = Rule("", "Too many errors", Series.ERRORS, Way.ABOVE, limit=0.1, to=("webhook", "slack", "email"))
SECRET = Secret("a long random text")


class Mailbox(socketserver.StreamRequestHandler):
    """Enough of RFC 5321 for smtplib to hand over a mail, and of RFC 4954 for it to sign in."""

    def handle(self):
        server, taken = self.server, []
        self.reply("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                self.reply("354 go on")
                server.mails.append((taken, self._body()))
                taken = []
                self.reply("250 kept")
            elif verb == "EHLO":
                self.reply("250-here", "250 AUTH PLAIN")
            elif verb == "AUTH":
                server.signed_in.append(base64.b64decode(line.split()[2]).decode())
                self.reply("235 welcome")
            elif verb == "RCPT":
                taken.append(line.partition("<")[2].rstrip(">"))
                self.reply(server.answers.pop(0) if server.answers else "250 fine")
            else:
                self.reply("221 bye" if verb == "QUIT" else "250 fine")

    def reply(self, *lines):
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def _body(self):
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)


@contextmanager
def mail_server(*answers):
    """A mail server on this machine; `answers` are given to the first people named."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        server.mails, server.signed_in, server.answers, server.daemon_threads = [], [], list(answers), True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def reaching(workspace, *, slack=None, mail=None, webhook="", password="p%40ss"):
    """The workspace of a console whose environment names these; its app uses all of them."""
    environ = {"SIGNALBOX_SLACK_URL": slack, "SIGNALBOX_PUBLIC_URL": "https://box.example.com"}
    if mail:
        environ |= {"SIGNALBOX_SMTP_URL": f"smtp://eve:{password}@127.0.0.1:{mail.server_address[1]}"}
        environ |= {"SIGNALBOX_SMTP_FROM": "box@example.com"}
    out = outgoing.read({name: value for name, value in environ.items() if value})
    settings = replace(workspace.settings, outgoing=out, webhook_secret=SECRET if webhook else None)
    place = replace(workspace, platform=replace(workspace.platform, settings=settings))
    if webhook:
        telling.save_address(place, webhook)
    people = ("ada@example.com", "bob@example.com") if mail else ()
    alerts.save_channels(place, Channels(bool(webhook), "slack" if slack else "", people, "ja" if mail else "en"))
    return place


def fire(workspace):
    """A third of thirty questions fails."""
    end = 1_795_000_500_000 // SLOT_MS * SLOT_MS
    keep(workspace, asked(end - SLOT_MS, 20) + asked(end - SLOT_MS, 10, state="ERROR"), end + LATE_MS)
    alerts.save(workspace, ERRORS)
    alerts.tick(workspace)


def deliver(workspace):
    """Do what is queued, as the worker would; returns what each job said."""
    said = []
    while (job := jobs.claim(workspace.engine)) is not None:
        if job.kind == sending.JOB:
            said.append(sending.run(workspace, jobs.Work(workspace.engine, job)))
        jobs.finish(workspace.engine, job, {})
    return said


def test_a_signed_webhook_and_a_chat_are_told_in_words(workspace):
    with receiver(200) as (url, heard), receiver(200) as (chat, said):
        place = reaching(workspace, slack=chat, webhook=url)
        fire(place)
        assert len(deliver(place)) == 2
    headers, body = heard[0]
    expected = delivery.signature(SECRET.value, headers["webhook-id"], headers["webhook-timestamp"], body)
    assert headers["webhook-signature"] == expected
    letter = json.loads(body)
    assert (letter["type"], letter["app"]) == ("alert.firing", "support")
    assert letter["rule"].startswith("too-many-errors-")
    assert letter["lines"][0] == "33.3 % of 30 questions got no answer; the limit is at most 10 %."
    assert letter["link"].startswith("https://box.example.com/traces?app=support&since=")
    words = json.loads(said[0][1])["text"]
    assert words.startswith("*Support: Too many errors*\n33.3 %") and letter["link"].replace("&", "&amp;") in words
    assert said[0][0]["webhook-id"] != headers["webhook-id"]


def test_a_mail_reaches_people_in_the_apps_language(workspace):
    with mail_server() as server:
        place = reaching(workspace, mail=server)
        fire(place)
        deliver(place)
    (people, raw) = server.mails[0]
    mail = message_from_string(raw)
    assert people == ["ada@example.com", "bob@example.com"]
    assert server.signed_in == ["\0eve\0p@ss"]
    assert mail["From"] == "box@example.com" and mail["Message-ID"] == f"<{mail['X-Signalbox-Id']}@signalbox>"
    words = mail.get_payload(decode=True).decode()
    assert "上限は 10 % です" in words and "https://box.example.com/" in words


def test_one_refused_address_keeps_nobody_else_from_the_mail(workspace):
    with mail_server("550 unknown") as server:
        place = reaching(workspace, mail=server)
        fire(place)
        assert deliver(place)[0]["told"]
    assert len(server.mails) == 1


def test_what_is_not_taken_is_sent_again_under_the_same_id(workspace, monkeypatch):
    monkeypatch.setattr(delivery, "PAUSES", (delivery.timedelta(0),) * 2)
    with receiver(503, 302, 200) as (chat, said):
        place = reaching(workspace, slack=chat)
        fire(place)
        assert [one["told"] is None for one in deliver(place)] == [True, True, False]
    assert len({headers["webhook-id"] for headers, _body in said}) == 1


def test_a_tick_killed_before_it_noted_the_sending_sends_the_same_again(workspace, monkeypatch):
    with receiver(200) as (chat, said):
        place = reaching(workspace, slack=chat)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(records, "was_told", lambda *arguments, **named: (_ for _ in ()).throw(KeyboardInterrupt))
            fire(place)
        deliver(place)
        alerts.tick(place)
        deliver(place)
        alerts.tick(place)
        deliver(place)
    assert len(said) == 2 and len({headers["webhook-id"] for headers, _body in said}) == 1


def test_a_sender_killed_after_sending_sends_again_and_loses_nothing(workspace, monkeypatch):
    """The receiver has the message, and kills the sending process before that can hear so."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    killed = []

    def kill():
        if not killed:
            killed.append(worker.running[0].child.pid)
            os.kill(killed[0], signal.SIGKILL)

    with receiver(200, before=kill) as (chat, said):
        place = reaching(workspace, slack=chat)
        worker = Worker(place.settings)
        job = alerts.tell_test(place, "slack")
        end = time.monotonic() + 120
        while jobs.get(place, job.id).live and time.monotonic() < end:
            worker.work()
            time.sleep(0.02)
    ended = jobs.get(place, job.id)
    assert (ended.state, ended.attempt) == (State.DONE, 2)
    assert len(said) == 2 and len({headers["webhook-id"] for headers, _body in said}) == 1


def test_a_test_says_at_once_when_it_does_not_arrive(workspace):
    with receiver(404) as (chat, _said):
        place = reaching(workspace, slack=chat)
        alerts.tell_test(place, "slack")
        with pytest.raises(PlatformError, match="did not take") as caught:
            deliver(place)
    assert "404" in str(caught.value) and chat not in str(caught.value)


def test_a_channel_given_up_sends_nothing_that_still_waits(workspace):
    with receiver(200) as (chat, said):
        place = reaching(workspace, slack=chat)
        fire(place)
        alerts.save_channels(place, Channels())
        assert deliver(place) == [{"told": None}] and said == []


def test_a_letter_that_waited_tells_nothing_that_is_over_by_now(workspace):
    with receiver(200) as (chat, said):
        place = reaching(workspace, slack=chat)
        fire(place)
        (alert,) = records.open_alerts(place)
        records.end(place, alert, "Too many errors")
        assert deliver(place) == [{"told": None}] and said == []


@pytest.mark.parametrize("spared", ["rule", "app"])
def test_a_letter_that_waited_is_told_after_the_mute_and_not_within(workspace, spared):
    with receiver(200) as (chat, said):
        place = reaching(workspace, slack=chat)
        fire(place)
        (rule,) = alerts.all(place)
        if spared == "rule":
            alerts.mute(place, rule.id, now() + timedelta(hours=1))
        else:
            window = Maintenance(now() - timedelta(hours=1), now() + timedelta(hours=1), "Move")
            alerts.save_maintenance(place, [window])
        assert deliver(place) == [{"told": None}]
        alerts.tick(place)
        assert deliver(place) == said == []
        alerts.mute(place, rule.id, None)
        alerts.save_maintenance(place, [])
        alerts.tick(place)
        assert len(deliver(place)) == len(said) == 1


def test_a_channel_without_an_address_fails_at_once_and_says_why(workspace):
    with receiver(200) as (chat, said):
        fire(reaching(workspace, slack=chat))
        with pytest.raises(NotReadyError, match="cannot be used yet"):
            deliver(workspace)
    assert said == [] and len(jobs.recent(workspace, sending.JOB)) == 1


def test_a_password_that_no_mail_server_can_read_is_an_error_like_others(workspace):
    with mail_server() as server:
        place = reaching(workspace, mail=server, password="秘密の言葉")
        fire(place)
        assert deliver(place)[0]["again"] == 1


def test_secrets_stand_nowhere_but_in_the_environment(workspace):
    with receiver(200) as (chat, _said), mail_server() as server:
        place = reaching(workspace, slack=chat, mail=server)
        fire(place)
        kept = json.dumps([job.args for job in jobs.recent(place)]) + str(audit.events(place)) + repr(place.settings)
    assert chat not in kept and "p@ss" not in kept and "p%40ss" not in kept


def test_channels_that_the_environment_does_not_offer_are_refused(workspace):
    assert set(alerts.missing(workspace)) == {"webhook", "slack", "email"}
    for wanted in (Channels(webhook=True), Channels(slack="slack"), Channels(email=("ada@example.com",))):
        with pytest.raises(NotReadyError):
            alerts.save_channels(workspace, wanted)
    with mail_server() as server:
        place = reaching(workspace, mail=server)
        for wrong in ("nobody", "a@b, c@d", "ada@example.com\nBcc: eve@example.com"):
            with pytest.raises(InvalidInputError):
                alerts.save_channels(place, Channels(email=(wrong,)))


@pytest.mark.parametrize(
    "environ",
    [
        {"SIGNALBOX_SLACK_URL": "http://hooks.example.com/secret"},
        {"SIGNALBOX_SLACK_URL_OPS": "nonsense"},
        {"SIGNALBOX_SMTP_URL": "imap://host", "SIGNALBOX_SMTP_FROM": "a@b"},
        {"SIGNALBOX_SMTP_URL": "smtp://host:port", "SIGNALBOX_SMTP_FROM": "a@b"},
        {"SIGNALBOX_SMTP_URL": "smtp://host", "SIGNALBOX_SMTP_FROM": "nobody"},
        {"SIGNALBOX_PUBLIC_URL": "box"},
    ],
)
def test_a_wrong_address_is_named_by_its_variable_only(environ):
    with pytest.raises(InvalidInputError) as caught:
        outgoing.read(environ)
    assert "SIGNALBOX_" in str(caught.value) and "secret" not in str(caught.value)


def test_each_chat_has_a_name(settings):
    found = outgoing.read({"SIGNALBOX_SLACK_URL": "https://a", "SIGNALBOX_SLACK_URL_OPS": "https://b"})
    assert {name: one.value for name, one in found.slack.items()} == {"ops": "https://b", "slack": "https://a"}
