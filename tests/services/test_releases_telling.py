"""The signed webhook, to a real receiver: at least once, always under the same id."""

import threading
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services import delivery, jobs
from services.errors import InvalidInputError, NotReadyError, PlatformError
from services.jobs import Work
from services.releases import Kind, Pair, records, telling
from services.settings import Secret

SECRET = "a long random text"


@contextmanager
def receiver(*statuses, before=lambda: None):
    """What it was sent, header by header; the last status is given from then on, after `before`."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            return None

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            heard.append((dict(self.headers), body))
            before()
            self.send_response(statuses[min(len(heard), len(statuses)) - 1])
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    server.server_close()


@pytest.fixture
def signing(workspace):
    settings = replace(workspace.settings, webhook_secret=Secret(SECRET))
    return replace(workspace, platform=replace(workspace.platform, settings=settings))


def release(workspace):
    moves = {"prompt": "greeting", "before": asdict(Pair(None, None, None)), "after": asdict(Pair("m-1", 1, 2))}
    return records.get(workspace, records.add(workspace, Kind.PROMPT, moves, "the reason stays here"))


def deliver(workspace):
    job = jobs.claim(workspace.engine)
    work = Work(workspace.engine, job)
    try:
        return telling.run(replace(workspace, fence=work.fence), work)
    finally:
        jobs.finish(workspace.engine, job, {})


def test_an_event_is_signed_and_tells_what_moved(signing):
    with receiver(200) as (url, heard):
        telling.save_address(signing, url)
        one = release(signing)
        telling.tell(signing, "rolled back", one)
        assert deliver(signing) == {"told": f"support-{one.id}-rolled-back"}
    headers, body = heard[0]
    signed = delivery.signature(SECRET, headers["webhook-id"], headers["webhook-timestamp"], body)
    assert headers["webhook-signature"] == signed != delivery.signature("other", headers["webhook-id"], "1", body)
    assert '"type": "release.rolled_back"' in body and '"prompt_version": 2' in body
    assert "the reason" not in body


def test_a_receiver_that_is_away_is_asked_again_under_the_same_id(signing, monkeypatch):
    monkeypatch.setattr(delivery, "PAUSES", (timedelta(0), timedelta(0)))
    with receiver(503, 302, 200) as (url, heard):
        telling.save_address(signing, url)
        telling.tell(signing, "live", release(signing))
        assert [deliver(signing)["told"] is None for _ in range(3)] == [True, True, False]
    assert len(heard) == 3 and len({headers["webhook-id"] for headers, _ in heard}) == 1


def test_in_the_end_the_job_says_that_nobody_took_it(signing, monkeypatch):
    monkeypatch.setattr(delivery, "PAUSES", ())
    with receiver(500) as (url, _):
        telling.save_address(signing, url)
        telling.tell(signing, "live", release(signing))
        with pytest.raises(PlatformError, match="500"):
            deliver(signing)


def test_an_emptied_address_ends_what_waits_for_it(signing):
    with receiver(500) as (url, heard):
        telling.save_address(signing, url)
        telling.tell(signing, "live", release(signing))
        telling.save_address(signing, "")
        assert deliver(signing) == {"told": None}
        assert heard == [] and jobs.claim(signing.engine) is None


def test_only_a_safe_address_with_a_secret_is_kept(workspace, signing):
    broken = ("https://[x", "https://host:abc", "https://exam ple.com", "https://host:99999")
    for wrong in ("http://example.com", "ftp://example.com", "https://ada:pw@example.com", "nonsense", *broken):
        with pytest.raises(InvalidInputError):
            telling.save_address(signing, wrong)
    with pytest.raises(NotReadyError):
        telling.save_address(workspace, "https://example.com/hook")
    telling.tell(workspace, "live", release(workspace))
    assert jobs.claim(workspace.engine) is None


def test_the_signature_is_the_one_of_the_specification():
    """The example of the Standard Webhooks specification."""
    secret, id, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert delivery.signature(secret, id, at, '{"test": 2432232314}') == expected
