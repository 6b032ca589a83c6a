"""Open a version and compare two of 20,000 characters, against the rerun of an empty Streamlit page in the same run.

    python -m bench.prompt_screen [rounds]

Both run in Chromium, from the click until the new content is on the screen. Cold is a pair that this console has never
compared; after an outside write, another process has just saved a version. Printed are medians and ratios: target 1.5.
A browser's first click on a page it has just loaded costs more than the next ones, and so does one on a machine on which
another process has just worked: each stands beside the same on the empty page.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.results import Measured, keep
from bench.servers import empty_page
from tests.e2e.conftest import CHROMIUM, QUIET, Server
from tests.e2e.console import IDLE

ROOT = Path(__file__).parent.parent
VERSIONS, LENGTH = 20, 20_000
FIRST, LATER = "the first click on an empty page", "a later click on an empty page"
AFTER = "a click on an empty page after an outside write"
# What each is measured beside, and how many times that it may take.
GOALS = {
    "compare, cold": (FIRST, 1.5),
    "compare, a pair seen before": (LATER, 1.5),
    "compare, after an outside write": (AFTER, 1.5),
    "open a version": (FIRST, 1.5),
    "write from a version": (LATER, 2.0),
    "open a version, after an outside write": (FIRST, 1.5),
}
# From the click to the frame in which the new content is drawn.
CLICKED = """async ([selector, content, text]) => {
  const all = root => [...root.querySelectorAll(content),
    ...[...root.querySelectorAll('*')].filter(one => one.shadowRoot).flatMap(one => all(one.shadowRoot))];
  const there = () => all(document).some(one => one.checkVisibility() && (one.value ?? one.textContent).includes(text));
  const button = document.querySelector(selector);
  const begun = performance.now();
  button.click();
  do {
    await new Promise(resolve => requestAnimationFrame(resolve));
    if (performance.now() - begun > 60000) throw new Error("not there: " + text);
  } while (!there());
  return performance.now() - begun;
}"""


def main(rounds: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-prompt-screen-") as kept,
        sync_playwright() as playwright,
        empty_page(folder := Path(kept)) as (floor_url, _),
        console(folder) as server,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        pages = [browser.new_context(viewport={"width": 1440, "height": 1000}).new_page() for _ in range(2)]
        took: dict[str, list[float]] = {}
        for number in range(rounds):
            for name, milliseconds in [
                *empty_clicks(pages[0], floor_url, server, number),
                *one_round(pages[1], server, number),
            ]:
                took.setdefault(name, []).append(milliseconds)
        browser.close()
    middles = {name: statistics.median(all) for name, all in took.items()}
    for name, all in took.items():
        floor, goal = GOALS.get(name, (name, None))
        if name in GOALS:
            keep(Measured(name, "20,000 characters", middles[name], middles[floor], floor, "ms", goal))
        times = middles[name] / middles[floor]
        print(f"{name:48} {middles[name]:7.0f} ms   {times:5.2f} x   (n={len(all)}, worst {max(all):.0f} ms)")


def empty_clicks(floor: Page, url: str, server: Server, number: int) -> Iterator[tuple[str, float]]:
    floor.goto(url)
    idle(floor)
    for name in (FIRST, LATER, LATER):
        yield name, rerun_empty(floor)
    write_outside(server.home, 2_000 + number)
    yield AFTER, rerun_empty(floor)


def one_round(page: Page, server: Server, number: int) -> Iterator[tuple[str, float]]:
    old, new = 1 + number % (VERSIONS - 1), 2 + number % (VERSIONS - 1)
    open_at(page, server, f"prompt=long&view=compare&version={new}&against={old}")
    yield "compare, cold", swap(page)
    yield "compare, a pair seen before", swap(page)
    write_outside(server.home, number)
    yield "compare, after an outside write", swap(page)
    open_at(page, server, "prompt=long&view=versions")
    yield "open a version", open_version(page)
    yield "write from a version", write_from(page)
    open_at(page, server, "prompt=long&view=versions")
    write_outside(server.home, 1_000 + number)
    yield "open a version, after an outside write", open_version(page)


def rerun_empty(page: Page) -> float:
    count = int(page.get_by_text("round ").inner_text().strip("round ."))
    return clicked(page, "[data-testid=stButton] button", "[data-testid=stMarkdown]", f"round {count + 1}.")


def swap(page: Page) -> float:
    """Compare the other way round: a pair whose difference was not computed before."""
    old = page.locator(".sb-diff th").first.inner_text()
    return clicked(page, ".st-key-compare-swap button", ".sb-diff th:nth-child(2)", old)


def open_version(page: Page) -> float:
    return clicked(page, ".sb-read summary", ".sb-read pre", "Version of ")


def write_from(page: Page) -> float:
    return clicked(page, "[class*=st-key-from-] button", "textarea", "Version of ")


def clicked(page: Page, selector: str, content: str, text: str) -> float:
    milliseconds = page.evaluate(CLICKED, [selector, content, text])
    idle(page)
    return float(milliseconds)


def open_at(page: Page, server: Server, query: str) -> None:
    page.goto(f"{server.url}/prompts?{query}")
    idle(page)


def idle(page: Page) -> None:
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_timeout(1_000)
    page.wait_for_selector(IDLE, timeout=60_000)


@contextmanager
def console(folder: Path) -> Iterator[Server]:
    home = folder / "home"
    in_other_process(home, "fill")
    server = Server(home).start()
    try:
        yield server
    finally:
        server.stop()


def write_outside(home: Path, number: int) -> None:
    in_other_process(home, "write", str(number))


def in_other_process(home: Path, *arguments: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_"))}
    command = [sys.executable, "-m", "bench.prompt_screen", *arguments]
    subprocess.run(command, cwd=ROOT, env=clean | {"SIGNALBOX_HOME": str(home)}, check=True, stderr=subprocess.DEVNULL)


def fill() -> None:
    """The app, and a prompt whose versions change a fifth of the lines of the one before."""
    from services import apps, database, people, prompts, settings
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    form = apps.AppForm(id="support", name="Support", company="Sorabana", model="practice", endpoint="support")
    workspace = place.for_app(apps.create(place, form))
    chance = random.Random(1)
    lines = [sentence(chance) for _ in range(LENGTH // 70)]
    for number in range(1, VERSIONS + 1):
        lines = [sentence(chance) if chance.random() < 0.05 else changed(line, chance) for line in lines]
        text = "\n".join(["Version of {{company_name}}.", *lines])
        prompts.save(workspace, "long", text.ljust(LENGTH, "。")[:LENGTH], f"edit {number}")


def write(number: int) -> None:
    import mlflow

    from services import settings

    mlflow.set_tracking_uri(settings.load(os.environ).tracking_uri)
    mlflow.genai.register_prompt("long", f"Version of someone else, {number}.\n" + "word " * 3_000)


SAID = (
    "customer order refund parcel answer politely briefly never promise always name hours delivery return policy "
    "お客様の ご質問には 日本語で 丁寧に 答えてください 返金は 担当者に 引き継ぐと 伝えて"
)
WORDS = SAID.split()


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=12)) + "."


def changed(line: str, chance: random.Random) -> str:
    return line.replace(chance.choice(WORDS), chance.choice(WORDS), 1) if chance.random() < 0.2 else line


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill"]:
            fill()
        case ["write", number]:
            write(int(number))
        case given:
            main(int(given[0]) if given else 8)
