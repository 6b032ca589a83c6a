"""First paint and click to text of every screen in Chromium, beside an empty Streamlit page in the same rounds.

    python -m bench.screens [rounds]

First paint: from the address to the frame that shows the screen's title, the browser's files already there. Click: from an
entry of the side bar to the frame with the next screen's title, and to the end of its script; beside a click on the empty
page's button. Goals: twice for the text.
"""

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.results import Measured, keep
from bench.servers import console, empty_page
from tests.e2e.conftest import CHROMIUM, QUIET
from tests.e2e.console import IDLE

GOAL = 2.0
TITLE, WORDS, LINK = (
    "[data-testid=stMain] h1",
    "[data-testid=stMarkdown] p",
    "[data-testid=stSidebar] [data-testid=stPageLink-NavLink]",
)
SHOWN = "([selector, before]) => [...document.querySelectorAll(selector)].some(one => one.checkVisibility() && one.textContent !== before)"
CLICKED = """async ([button, selector]) => {
  const said = () => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility()).map(one => one.textContent).join('|');
  const before = said(), begun = performance.now();
  button.click();
  do {
    await new Promise(resolve => requestAnimationFrame(resolve));
    if (performance.now() - begun > 60000) throw new Error('nothing new was drawn');
  } while (said() === before || said() === '');
  const titled = performance.now() - begun;
  while (document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'notRunning')
    await new Promise(resolve => requestAnimationFrame(resolve));
  return [titled, performance.now() - begun];
}"""


def main(rounds: int) -> None:
    painted, clicked, whole = (defaultdict[str, list[float]](list) for _ in range(3))
    with (
        tempfile.TemporaryDirectory(prefix="bench-screens-") as kept,
        empty_page(Path(kept)) as (floor_url, _),
        console(Path(kept) / "home") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        contexts = [browser.new_context(viewport={"width": 1440, "height": 1000}) for _ in range(2)]
        floor, ours = (context.new_page() for context in contexts)
        paint(floor, floor_url, WORDS), paint(ours, server.url, TITLE)
        ours.locator(LINK).first.wait_for()
        names = [str(one.get_attribute("href")).rstrip("/").rpartition("/")[2] for one in ours.locator(LINK).all()]
        for _ in range(rounds):
            for name in names:
                painted[""].append(paint(floor, floor_url, WORDS))
                painted[name or "home"].append(paint(ours, f"{server.url}/{name}", TITLE))
            for name, link in zip(names[1:] + names[:1], range(1, len(names) + 1), strict=True):
                empty = click(floor, "[data-testid=stButton] button", 0, WORDS)
                drawn = click(ours, LINK, link % len(names), TITLE)
                for page, (titled, ended) in (("", empty), (name or "home", drawn)):
                    clicked[page].append(titled)
                    whole[page].append(ended)
        browser.close()
    report("first paint", painted, "an empty page")
    report("click", clicked, "a click on an empty page")
    report("whole screen", whole, "a click on an empty page, whole", goal=None)


def paint(page: Page, url: str, selector: str) -> float:
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function(SHOWN, arg=[selector, ""], polling="raf", timeout=120_000)
    taken = (time.perf_counter() - begun) * 1000
    page.wait_for_selector(IDLE, timeout=60_000)
    return taken


def click(page: Page, buttons: str, number: int, selector: str) -> tuple[float, float]:
    """Milliseconds to the title, and to the end of the script."""
    titled, ended = page.evaluate(CLICKED, [page.locator(buttons).nth(number).element_handle(), selector])
    page.wait_for_selector(IDLE, timeout=60_000)
    return float(titled), float(ended)


def report(what: str, took: dict[str, list[float]], peer: str, goal: float | None = GOAL) -> None:
    floor = statistics.median(took.pop(""))
    for name, times in took.items():
        middle = statistics.median(times)
        print(f"{what:12} {name:16} {middle:7.0f} ms {middle / floor:6.2f} x {peer}")
        keep(Measured(f"{what}: {name}", "", middle, floor, peer, "ms", goal))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
