"""A person at the console: looks for what is written on the screen, in their language, and clicks it."""

import re

from playwright.sync_api import Locator, Page, expect

from services.messages import text

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
# Select boxes have buttons too, named “… Open”: they are not what a person calls a button.
BUTTONS = "[data-testid=stButton], [data-testid=stPopover], [data-testid=stFormSubmitButton]"
LONG = 120_000


class Console:
    def __init__(self, page: Page, url: str, language: str) -> None:
        self.page = page
        self.url = url
        self.language = language
        self.outside: list[str] = []
        page.set_default_timeout(20_000)
        page.on("request", self._note)

    def _note(self, request: object) -> None:
        address = request.url  # type: ignore[attr-defined]
        if not address.startswith((self.url, self.url.replace("http", "ws", 1), "data:", "blob:")):
            self.outside.append(address)

    def t(self, id: str, **values: object) -> str:
        return text(id, self.language, **values)

    def open(self, screen: str, **query: object) -> "Console":
        address = f"{self.url}/{'' if screen == 'home' else screen}"
        if query:
            address += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        self.page.goto(address)
        return self.idle()

    def go(self, title: str) -> "Console":
        """Click an entry of the side bar."""
        self.page.get_by_test_id("stSidebar").get_by_role("link", name=self.t(title), exact=True).click()
        return self.idle()

    def idle(self) -> "Console":
        self.page.wait_for_selector(IDLE, timeout=60_000)
        self.page.wait_for_timeout(150)
        self.page.wait_for_selector(IDLE, timeout=60_000)
        assert self.page.get_by_test_id("stException").count() == 0, self.page.get_by_test_id(
            "stException"
        ).inner_text()
        return self

    def button(self, id: str, **values: object) -> Locator:
        return self.main.locator(BUTTONS).get_by_role("button", name=self.t(id, **values)).first

    def link(self, id: str) -> Locator:
        """A link of the page to another screen."""
        return self.main.get_by_test_id("stPageLink-NavLink").filter(has_text=self.t(id))

    @property
    def main(self) -> Locator:
        """The screen without the side bar; a screen with a chat field has another outer frame."""
        return self.page.get_by_test_id("stMainBlockContainer")

    def click(self, id: str, **values: object) -> "Console":
        self.button(id, **values).click()
        return self.idle()

    def fill(self, label: str, value: str) -> "Console":
        field = self.main.get_by_label(self.t(label), exact=False).first
        field.fill(value)
        field.press("Tab")
        return self.idle()

    def choose(self, label: str, option: str) -> "Console":
        """Pick from a select box the first entry that contains `option`."""
        box = self.main.get_by_role("combobox", name=re.compile(re.escape(self.t(label)))).first
        box.click()
        self.page.get_by_role("option", name=re.compile(re.escape(option))).first.click()
        return self.idle()

    @property
    def editor(self) -> Locator:
        """The text area of a prompt that is one text."""
        return self.main.get_by_label(self.t("What the assistant is told"))

    def write(self, text: str) -> "Console":
        """Replace the text of the prompt, and wait until the draft is kept."""
        self.editor.fill(text)
        return self.kept()

    def kept(self) -> "Console":
        self.page.wait_for_timeout(100)
        told = re.compile(re.escape(self.t("Draft kept {time}", time="#")).replace(r"\#", r"[\d: -]+"))
        expect(self.main.get_by_text(told)).to_be_visible(timeout=30_000)
        return self.idle()

    def view(self, id: str) -> "Console":
        """One of the views of a screen."""
        self.main.get_by_test_id("stButtonGroup").get_by_text(self.t(id), exact=True).click()
        return self.idle()

    def tab(self, id: str) -> "Console":
        self.main.get_by_role("tab", name=self.t(id)).click()
        return self.idle()

    def sees(self, id: str, *, timeout: float = 20_000, **values: object) -> "Console":
        expect(self.main.get_by_text(self.t(id, **values)).first).to_be_visible(timeout=timeout)
        return self

    def sees_text(self, text: str | re.Pattern[str], timeout: float = 20_000) -> "Console":
        expect(self.main.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=timeout)
        return self

    def picture(self, path: str) -> None:
        self.page.screenshot(path=path, full_page=True)
