"""Forged messages to the running server, over the WebSocket and as plain HTTP: it stays up, and tells nobody how it is built."""

import socket
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException

from pages.components.screens import ABOUT, SCREENS
from tests.e2e.conftest import ROOT, Server
from tests.hostile.shapes import mangled
from tests.sign_in.browser import Browser

pytestmark = pytest.mark.timeout(600)  # a real process, on whatever machine

HONEST = "people"
SILENCE = 10.0  # seconds until a visit counts as lost
DEFECT = "did not foresee"
PAGES = ("", "prompts", "alerts", "jobs", "traces")
NAMES = ("app", "name", "version", "run", "row", "release", "trace", "id", "dataset", "view", "filter")
READERS = ("prompts", "evaluations", "releases", "traces", "datasets")
LONG = "あ" * 100_000
ODD_TEXTS = (
    "",
    "\x00",
    "../../etc/passwd",
    "{{x}}",
    "{0.__class__}",
    "<script>",
    "%s%n",
    "\u202e",
    "1e999",
    "-1",
    LONG,
)
ODD_NUMBERS = (0, -1, 2**31 - 1, -(2**53))
# What no answer may hold: a traceback, or where the console's files lie.
TELLTALE = ("Traceback (most recent", str(ROOT), "site-packages")
# Whole requests, which the server answers, and what is none.
REQUESTS = (
    b"GET /%00 HTTP/1.1\r\nHost: 127.0.0.1",
    b"GET /../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1",
    b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: 127.0.0.1",
    b"GET /static/%2e%2e/%2e%2e/config.toml HTTP/1.1\r\nHost: 127.0.0.1",
    b"GET /media/" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: 127.0.0.1",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Email: root\r\nCookie: _streamlit_user=chunks-x",
    b"POST /_stcore/upload_file/x/y HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0",
)
NO_REQUESTS = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    b"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: [::1\r\nHost: b\r\n\r\n",
    b"TRACE / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(64)),
    b"{" * 4_096,
)


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("hostile") / "home").start()
    yield server
    server.stop()


@pytest.fixture
def browser(console):
    found = Browser(console.url)
    yield found
    found.close()
    found.http.close()


def send(browser, frame):
    """What the server says to a frame and then to an honest visit of a screen that no frame names. To the next visitor
    where it hung up, where the tab is broken (Streamlit keeps a state that no widget has; the screen says to reload),
    and where the visit is lost: a frame that goes to another screen while it is asked for makes one request of both."""
    if browser.socket is None:
        browser.open()
    try:
        browser.socket.send(frame)
        drawn = browser.run(HONEST)
        while ABOUT[HONEST] not in drawn.text and DEFECT not in drawn.text:
            told(drawn.text)
            drawn = browser.read(SILENCE)
    except (WebSocketException, TimeoutError):
        drawn = browser.open()
    told(drawn.text)
    if DEFECT in drawn.text:
        drawn = browser.open()
    assert "Live now" in drawn.headings or ABOUT[HONEST] in drawn.text, drawn.text[-2_000:]


def told(text):
    assert not [one for one in TELLTALE if one in text], text[-2_000:]


def rerun(page="", **more):
    message = BackMsg()
    message.rerun_script.page_name = page
    for name, value in more.items():
        setattr(message.rerun_script, name, value)
    return message


def odd_states(ids):
    """Messages that give every one of these widgets a value of one kind, which most of them do not have."""
    kinds = {
        "trigger_value": lambda number: True,
        "bool_value": lambda number: True,
        "string_value": lambda number: ODD_TEXTS[number % len(ODD_TEXTS)],
        "int_value": lambda number: ODD_NUMBERS[number % len(ODD_NUMBERS)],
        "double_value": lambda number: float("nan"),
        "json_value": lambda number: '{"value": ' * 500,
        "json_trigger_value": lambda number: ODD_TEXTS[number % len(ODD_TEXTS)],
        "bytes_value": lambda number: bytes(range(256)),
    }
    for kind, value in kinds.items():
        message = rerun()
        for number, id in enumerate(ids):
            setattr(message.rerun_script.widget_states.widgets.add(id=id), kind, value(number))
        yield message


def test_a_page_survives_widgets_in_another_shape(console, browser):
    """Also the buttons that are drawn disabled, and widgets that nobody drew."""
    for page in PAGES:
        browser.open()
        screen = browser.run(page)
        for message in odd_states([*screen.widgets, "$$ID-0-None", LONG]):
            message.rerun_script.page_name, message.rerun_script.page_script_hash = page, browser.pages.get(page, "")
            send(browser, message.SerializeToString())


def test_addresses_nobody_made_are_told_plainly(console, browser):
    browser.open()
    for number, text in enumerate(ODD_TEXTS):
        browser.query = urlencode(dict.fromkeys(NAMES, text[:500]))
        told(browser.run(READERS[number % len(READERS)]).text)


def test_messages_of_every_kind_keep_the_server_up(console, browser):
    kinds = [
        BackMsg(**{name: True})
        for name in ("clear_cache", "app_heartbeat", "load_git_info", "stop_script", "set_run_on_save")
    ]
    files = BackMsg()
    files.file_urls_request.request_id = LONG
    files.file_urls_request.file_names.extend(["../x", "\x00", LONG])
    odd = [rerun(name, page_script_hash=name[:200], query_string=name, fragment_id=name[:200]) for name in ODD_TEXTS]
    for message in [*kinds, files, *odd, BackMsg()]:
        send(browser, message.SerializeToString())
    for text in ("", "plain words", "{}", LONG):
        send(browser, text)


@given(st.data())
def test_mutated_messages_keep_the_server_up(console, browser, data):
    frame = data.draw(st.sampled_from([one.SerializeToString() for one in odd_states(["$$ID-1-None", "$$ID-2-key"])]))
    send(browser, data.draw(mangled(frame[:5_000])))


def answered(console, sent, ends):
    """What the server says until it hangs up; `ends`: nothing more comes from here, so that it need not wait for the rest."""
    with socket.create_connection(("127.0.0.1", console.port), timeout=30) as connection:
        connection.sendall(sent)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    told(answer.decode("utf-8", "replace"))
    assert b"root:" not in answer and b"[server]" not in answer
    return answer


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_odd_requests_are_answered_without_a_word_of_ours(console, request_):
    answer = answered(console, request_ + b"\r\nConnection: close\r\n\r\n", ends=False)
    assert answer.startswith(b"HTTP/1.1 ") and not answer.startswith(b"HTTP/1.1 5"), answer[:500]


@pytest.mark.parametrize("sent", NO_REQUESTS, ids=range(len(NO_REQUESTS)))
def test_what_is_no_request_ends_without_a_word_of_ours(console, sent):
    answer = answered(console, sent, ends=True)
    assert not answer.startswith(b"HTTP/1.1 5"), answer[:500]


def test_afterwards_every_screen_is_drawn(console, browser):
    """Runs last in this file: whatever came before has broken nothing for the next visitor."""
    browser.open()
    assert "Live now" in browser.run().headings
    for screen in SCREENS[1:]:
        drawn = browser.run(screen.name)
        told(drawn.text)
        assert DEFECT not in drawn.text and screen.title in drawn.headings, screen.name
    assert httpx2.get(f"{console.url}/api/ready", timeout=30).status_code == 200
