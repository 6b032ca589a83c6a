"""How long a key takes to reach the screen in the prompt editor, beside a bare text area on the same page.

`.venv/bin/python -m bench.typing [characters]` starts a console on an empty folder and types in Chromium,
in the middle of a text of 20,000 characters. Both areas are measured in turn, key by key, from the key's event to the
frame after the next paint.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from bench.results import Measured, keep

ROOT = Path(__file__).parent.parent
PORT = 8597
KEYS = 150
LONGEST = 50.0  # milliseconds that the slowest key of twenty may take
TYPED = "kindly. あ "
PARAGRAPH = "Answer customers of {{company_name}} kindly and say what they can do next. お客様に丁寧に答えます。 "
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
BARE = """() => {
  const written = document.querySelector('[data-testid=stBidiComponentIsolated] textarea, textarea[dir=auto]')
    ?? [...document.querySelectorAll('*')].map(one => one.shadowRoot?.querySelector('textarea')).find(Boolean)
  const look = getComputedStyle(written)
  const bare = document.createElement('textarea')
  bare.id = 'bare'
  Object.assign(bare.style, { position: 'fixed', top: '4rem', left: '20rem', width: look.width, height: '300px',
    zIndex: 9999999, font: look.font, lineHeight: look.lineHeight, background: 'white' })
  document.body.append(bare)
  window.took = { editor: [], bare: [] }
  const watch = (area, name) => area.addEventListener('keydown', () => {
    const begun = performance.now()
    requestAnimationFrame(() => {
      const channel = new MessageChannel()
      channel.port1.onmessage = () => window.took[name].push(performance.now() - begun)
      channel.port2.postMessage(0)
    })
  })
  watch(bare, 'bare')
  watch(written, 'editor')
  window.areas = { editor: written, bare }
}"""
FOCUS = """([name, text]) => {
  const area = window.areas[name]
  area.focus()
  if (text !== null) { area.value = text; area.dispatchEvent(new Event('input', { bubbles: true })) }
  area.setSelectionRange(area.value.length >> 1, area.value.length >> 1)
}"""


def main(characters: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        environ = {"SIGNALBOX_HOME": home, "SIGNALBOX_PORT": str(PORT), "SIGNALBOX_GATEWAY_PORT": str(PORT + 1)}
        console = subprocess.Popen(["env", *(f"{key}={value}" for key, value in environ.items()), sys.executable, "app.py"], cwd=ROOT)  # fmt: skip
        try:
            wait_until_ready()
            for name, text in texts(characters).items():
                report(name, measured(text))
        finally:
            console.terminate()
            console.wait()


def texts(characters: int) -> dict[str, str]:
    """In paragraphs, as people write, and as one line without end, the worst case."""
    long = PARAGRAPH * (characters // len(PARAGRAPH) + 1)
    lines = "\n".join(PARAGRAPH * 3 for _ in range(characters // (3 * len(PARAGRAPH) + 1) + 1))
    return {"in paragraphs": lines[:characters], "one line": long[:characters]}


def measured(text: str) -> dict[str, Any]:
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"http://127.0.0.1:{PORT}/prompts?new=1")
        page.wait_for_selector(IDLE, timeout=120_000)
        page.locator("textarea[dir=auto]").first.wait_for()
        page.evaluate(BARE)
        found = typed(page, text)
        browser.close()
    return found


def typed(page: Page, text: str) -> dict[str, Any]:
    for area in ("bare", "editor"):
        page.evaluate(FOCUS, [area, text])
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    spent: dict[str, list[float]] = {"bare": [], "editor": []}
    for _ in range(KEYS // len(TYPED)):
        for area, times in spent.items():
            page.evaluate(FOCUS, [area, None])
            before = processor(session)
            page.keyboard.type(TYPED, delay=30)
            times.append((processor(session) - before) / len(TYPED))
    page.wait_for_timeout(500)
    found: Any = page.evaluate("window.took")
    return {**found, "spent": spent}


def processor(session: CDPSession) -> float:
    """Milliseconds that the page's main thread has computed: a busy machine does not change them much."""
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


def report(name: str, took: dict[str, Any]) -> None:
    spent = took.pop("spent")
    for area, times in took.items():
        p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        computed = statistics.median(spent[area])
        print(
            f"{name:14} {area:7} n={len(times)} p50={p50:6.1f} ms p95={p95:6.1f} ms, computed {computed:5.1f} ms a key"
        )
    sides = statistics.median(took["editor"]), statistics.median(took["bare"])
    keep(Measured("a key, p50", name, *sides, "a bare text area", "ms"))
    keep(Measured("a key, p95", name, statistics.quantiles(took["editor"], n=20)[-1], LONGEST, "its limit", "ms", 1.0))
    ratio = statistics.median(took["editor"]) / statistics.median(took["bare"])
    print(f"{name:14} editor / bare text area, p50: {ratio:.2f}")


def wait_until_ready() -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("the console did not become ready")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
