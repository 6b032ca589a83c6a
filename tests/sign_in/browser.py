"""A browser without a window: keeps cookies, follows redirects, speaks Streamlit's WebSocket, and may send what no screen offers."""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

SECONDS = 60.0


@dataclass
class Screen:
    """What one run of the script drew: everything written, the clickable widgets by id, and the ids of all widgets."""

    text: str = ""
    widgets: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    redirect: str = ""
    headings: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)

    def button(self, label: str) -> str:
        return next(id for id, one in self.buttons.items() if one == label)


class Browser:
    """`headers` go with every request, as a proxy adds them; `query` is what stands in the address behind the page."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.headers = headers or {}
        self.http = httpx2.Client(base_url=url, headers=self.headers, timeout=30)
        self.socket: ClientConnection | None = None
        self.pages: dict[str, str] = {}
        self.query = ""

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: str(cookie.value) for cookie in self.http.cookies.jar}

    def take(self, cookies: dict[str, str]) -> None:
        """Have these cookies of the console, however they were come by."""
        for name, value in cookies.items():
            self.http.cookies.set(name, value, domain=str(self.http.base_url.host))

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self.http.get(path, **more)

    def follow(self, path: str) -> list[httpx2.Response]:
        """Every answer on the way to where it ends."""
        answers = [self.get(path)]
        while answers[-1].is_redirect:
            answers.append(self.http.get(str(answers[-1].next_request.url)))
        return answers

    def open(self, page: str = "") -> Screen:
        """A new tab."""
        self.close()
        self.pages = {}
        self.get("/_stcore/health")  # it hands out the token against forged requests
        protocols = ["streamlit", self.cookies.get("_streamlit_xsrf", "none")]
        sent = {**self.headers, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        self.socket = connect(
            address, origin=self.url, subprotocols=protocols, additional_headers=sent, max_size=None, proxy=None
        )
        return self.run(page)

    def run(self, page: str = "", **widgets: bool | str) -> Screen:
        """Run the script once with the state of these widgets: True is a click."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.pages.get(page, "")
        for id, value in widgets.items():
            state = message.rerun_script.widget_states.widgets.add(id=id)
            if isinstance(value, bool):
                state.trigger_value = value
            else:
                state.string_value = value
        assert self.socket is not None
        self.socket.send(message.SerializeToString())
        return self.read()

    def click(self, id: str, page: str = "") -> Screen:
        return self.run(page, **{id: True})

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def read(self, silence: float = SECONDS) -> Screen:
        """Until the script has ended; a run that gives way to another (st.switch_page) is not the end. Raises TimeoutError
        after so many seconds without a word."""
        assert self.socket is not None
        screen, end = Screen(), time.monotonic() + SECONDS
        while time.monotonic() < end:
            message = ForwardMsg()
            message.ParseFromString(bytes(self.socket.recv(timeout=silence)))  # type: ignore[arg-type]
            match message.WhichOneof("type"):
                case "new_session":
                    screen = Screen(redirect=screen.redirect)
                case "navigation":
                    self.pages = {one.url_pathname: one.page_script_hash for one in message.navigation.app_pages}
                case "auth_redirect":
                    screen.redirect = message.auth_redirect.url
                case "delta":
                    _draw(screen, message)
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return screen
        raise AssertionError("the script did not end")


def refused(browser: Browser) -> bool:
    """Whether the WebSocket is closed before anything is drawn."""
    try:
        browser.open()
    except (ConnectionClosed, InvalidStatus, OSError, httpx2.HTTPError):
        return True
    return False


def _draw(screen: Screen, message: ForwardMsg) -> None:
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    if kind is None:
        return
    drawn = getattr(element, kind)
    if isinstance(getattr(drawn, "id", None), str) and drawn.id:
        screen.widgets.append(drawn.id)
    if kind in ("button", "download_button"):
        screen.buttons[drawn.id] = drawn.label
        if drawn.disabled:
            screen.disabled.add(drawn.id)
    for name in ("body", "label", "help"):
        if isinstance(getattr(drawn, name, None), str):
            screen.text += getattr(drawn, name).replace("\\", "") + "\n"  # as it is read, not as Markdown
    if kind == "heading":
        screen.headings.append(drawn.body)
    if kind == "exception":
        screen.text += "\n".join([drawn.type, drawn.message, *drawn.stack_trace, ""])
