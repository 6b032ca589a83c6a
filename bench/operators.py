"""So many operators at the same time, each with a click every five seconds, beside as many on an empty Streamlit page.

    python -m bench.operators [numbers of operators]

Each speaks the browser's protocol over a WebSocket of its own; a click opens another screen, and counts until everything of
it has arrived. The goal for fifty: a median of 0.35 s and 95 of 100 within 1.5 s, by one process.
"""

import itertools
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.results import Measured, keep
from bench.servers import console, empty_page
from tests.sign_in.browser import Browser

PAUSE, CLICKS = 5.0, 3
GOALS = {"median": 350.0, "95 of 100": 1_500.0}
MANY = 50


def main(numbers: list[int]) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-operators-") as kept,
        empty_page(Path(kept)) as (floor, _),
        console(Path(kept) / "home") as server,
    ):
        for number in numbers:
            report(number, clicked(floor, number), clicked(server.url, number))


def clicked(url: str, number: int) -> list[float]:
    """Milliseconds of every click of them all."""
    took: list[float] = []
    people = [threading.Thread(target=work, args=(url, one, took)) for one in range(number)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert len(took) == number * CLICKS, f"{number * CLICKS - len(took)} clicks were not answered"
    return took


def work(url: str, number: int, took: list[float]) -> None:
    chance = random.Random(number)
    browser = Browser(url)
    browser.open()
    pages = itertools.cycle(chance.sample(sorted(browser.pages), len(browser.pages)) or [""])
    time.sleep(chance.uniform(0, PAUSE))
    for page in itertools.islice(pages, CLICKS):
        begun = time.perf_counter()
        browser.run(page)
        gone = time.perf_counter() - begun
        took.append(gone * 1000)
        time.sleep(max(0.0, PAUSE - gone))
    browser.close()


def report(number: int, floor: list[float], ours: list[float]) -> None:
    for name, of in (("median", statistics.median), ("95 of 100", highest)):
        mine, empty = of(ours), of(floor)
        print(f"{number:3} operators, {name:10} {mine:8.0f} ms, empty page {empty:8.0f} ms, {mine / empty:6.2f} x")
        keep(Measured(f"a click, {name}", f"{number} operators", mine, empty, "an empty Streamlit page", "ms"))
        if number == MANY:
            keep(Measured(f"a click, {name}", f"{number} operators", mine, GOALS[name], "the goal", "ms", 1.0))


def highest(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [1, 5, 20, 50])
