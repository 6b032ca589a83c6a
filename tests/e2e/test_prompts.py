"""Writing prompts in Chromium: any script, undo, drafts that outlive tabs and servers, two people on one base."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from services import apps, prompts, sample, settings
from services.people import ALL_ROLES, Actor
from services.prompts import drafts
from services.workspace import Workspace, connect
from tests.e2e.conftest import Server
from tests.e2e.console import Console

ADA, BOB = "ada@example.com", "bob@example.com"
WORDS = "Be <b>kind</b> & brief for {{company_name}}, {{nobody}}.\n日本語で丁寧に。\nمرحبا {{company_name}}"
# The editor draws a key in the frame after it.
DRAWN = """lines => new Promise((drawn) => requestAnimationFrame(() => {
  drawn([...lines.children].map((line) => line.textContent).join("\\n"))
}))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("prompts")
    (folder / "roles.toml").write_text(f'[roles]\nauthor = ["{ADA}", "{BOB}"]\n')
    server = Server(
        folder / "home", SIGNALBOX_IDENTITY="proxy", SIGNALBOX_ROLES_FILE=str(folder / "roles.toml")
    ).start()
    yield server
    server.stop()


@pytest.fixture
def ada(server, monkeypatch) -> Workspace:
    """Ada's workspace on the console's own store."""
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    place = Workspace(connect(settings.load(server.environ)), Actor(ADA, ALL_ROLES))
    return place.for_app(apps.get(place, sample.app().id))


@pytest.fixture
def come(server, visit):
    """Somebody opens a prompt to write."""

    def come(who: str, name: str) -> Console:
        return visit(server, extra_http_headers={"X-Forwarded-Email": who}).open("prompts", prompt=name)

    return come


def reopened(console: Console, name: str) -> Console:
    """A second tab of the same browser."""
    return Console(console.page.context.new_page(), console.url, console.language).open("prompts", prompt=name)


def saved_by_key(console: Console, version: int) -> None:
    console.editor.press("Control+s")
    expect(console.button("Save as version {n}", n=version + 1)).to_be_visible(timeout=20_000)


def test_any_script_is_marked_kept_and_saved_by_a_key(ada, come):
    prompts.save(ada, "scripts", "First.", "")
    console = come(ADA, "scripts")
    console.editor.fill("")
    console.editor.press_sequentially(WORDS)
    paper = console.main.locator(".paper")
    assert paper.evaluate(DRAWN) == WORDS
    assert paper.locator("b").count() == 0
    assert paper.locator("mark.unknown").all_inner_texts() == ["{{nobody}}"]
    assert paper.locator("mark.known").count() == 2
    console.editor.fill("Be kind. " * 1000)
    console.editor.press_sequentially("{{nobody}} {{later}}")
    expect(paper.locator("mark.unknown")).to_have_text(["{{nobody}}", "{{later}}"])
    console.editor.fill(WORDS)
    console.sees("Nothing fills {names}: the agent would fail on every question.", names="{{nobody}}")
    console.sees_text(re.compile(rf"Characters: {len(WORDS)} "))
    console.kept()
    console.editor.press_sequentially(" oops")
    console.kept()
    undone = [console.editor.press("Control+z") or console.editor.input_value() for _ in range(5)]
    assert WORDS in undone, "undo goes back past an autosave"
    console.editor.fill(WORDS)
    console.editor.press_sequentially("!")
    console.page.reload()
    console.idle()
    expect(console.editor).to_have_value(WORDS + "!")
    saved_by_key(console, 2)
    assert prompts.version(ada, "scripts", 2).template == WORDS + "!"
    assert drafts.mine(ada, "scripts") is None
    expect(console.editor).to_have_value(WORDS + "!")


def test_composing_japanese_is_not_disturbed(ada, come):
    prompts.save(ada, "composing", "First.", "")
    console = come(ADA, "composing")
    console.editor.fill("")
    keyboard = console.page.context.new_cdp_session(console.page)
    for letters in ("に", "にほ", "にほん", "日本"):
        keyboard.send("Input.imeSetComposition", {"text": letters, "selectionStart": -1, "selectionEnd": -1})
        console.page.wait_for_timeout(400)
    expect(console.editor).to_have_value("日本")
    assert getattr(drafts.mine(ada, "composing"), "content", None) in (None, prompts.Content(""))
    keyboard.send("Input.insertText", {"text": "日本"})
    console.kept()
    expect(console.editor).to_have_value("日本")
    assert drafts.mine(ada, "composing").content.text == "日本"


def test_a_text_becomes_a_chat_and_back_without_losing_words(ada, come):
    prompts.save(ada, "chatty", "Be kind.", "")
    console = come(ADA, "chatty")
    console.main.get_by_label("chat messages").check()
    console.main.get_by_role("button", name="Add a message").click()
    console.page.keyboard.type("{{question}}")
    console.main.get_by_role("button", name="Move message 2 up").click()
    console.main.get_by_role("button", name="Remove message 2").click()
    console.main.get_by_role("button", name="Put it back").click()
    console.kept()
    assert [(one.role, one.content) for one in drafts.mine(ada, "chatty").content.messages] == [
        ("user", "{{question}}"),
        ("system", "Be kind."),
    ]
    console.main.get_by_label("one text").check()
    expect(console.editor).to_have_value("{{question}}\n\nBe kind.")
    console.main.get_by_label("chat messages").check()
    console.kept()
    assert len(drafts.mine(ada, "chatty").content.messages) == 2


def test_two_tabs_of_one_person_lose_nothing(ada, come):
    prompts.save(ada, "tabs", "First.", "")
    one = come(ADA, "tabs")
    other = reopened(one, "tabs")
    typed = {one: "From the first tab.", other: "From the second tab."}
    for tab, words in typed.items():
        tab.editor.fill(words)
    asked = re.compile("This draft was also written elsewhere")
    end = time.monotonic() + 60
    while not (late := next((tab for tab in typed if tab.main.get_by_text(asked).count()), None)):
        assert time.monotonic() < end, "nobody was told"
        one.page.wait_for_timeout(200)
    late.click("Keep mine")
    draft = drafts.mine(ada, "tabs")
    assert draft.content.text == typed.pop(late)
    (early, words), *_ = typed.items()
    assert [one.content.text for one in draft.set_aside] == [words]
    expect(early.editor).to_have_value(draft.content.text, timeout=30_000)
    other.page.close()


def test_two_people_on_one_base_are_both_told(ada, come):
    prompts.save(ada, "race", "First.", "")
    hers, his = come(ADA, "race"), come(BOB, "race")
    hers.write("Ada's words.")
    his.write("Bob's words.")
    his.sees_text(re.compile(f"{ADA} is writing on this prompt too"))
    saved_by_key(hers, 2)
    his.sees_text(re.compile(f"{ADA} saved version 2 while you were writing"), timeout=30_000)
    saved_by_key(his, 3)
    his.sees_text(re.compile(f"While you were writing, {ADA} saved version 2, also from version 1"))
    hers.sees_text(re.compile(f"{BOB} saved version 3 from version 1, as you did with version 2"), timeout=30_000)
    assert [one.template for one in prompts.history(ada, "race")] == ["Bob's words.", "Ada's words.", "First."]
    assert prompts.version(ada, "race", 3).overtook == (2,)


def test_a_draft_outlives_a_killed_server(server, ada, come):
    prompts.save(ada, "killed", "First.", "")
    console = come(ADA, "killed")
    console.write("Before the crash.")
    server.kill("web")
    console.editor.press_sequentially(" While it was down.")
    server.start()
    console.page.wait_for_selector("[data-test-connection-state=CONNECTED]", timeout=60_000)
    expect(console.editor).to_have_value("Before the crash. While it was down.")
    console.editor.press_sequentially(" After.")
    console.kept()
    expect(console.editor).to_have_value("Before the crash. While it was down. After.")
    assert drafts.mine(ada, "killed").content.text == "Before the crash. While it was down. After."
    again = reopened(console, "killed")
    expect(again.editor).to_have_value("Before the crash. While it was down. After.")
    again.page.close()
