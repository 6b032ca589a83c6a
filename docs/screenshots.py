"""Takes the pictures of README and the guides anew: a console on an empty folder walks the train, answers questions, and
is photographed in both languages."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from docs import release_train
from services import apps, datasets, endpoints, evaluations, people, rehearsal, reviews, sample, settings
from services.errors import BlockedError
from services.processes.lock import held
from services.releases import Proposal
from services.reviews import Form, Kind, Label, Pick, Rule
from services.workspace import Workspace, connect

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
QUESTIONS = 40
# The English pictures carry no language in their names: README shows them.
LANGUAGES = {"": "en-GB", ".ja": "ja-JP"}


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"SIGNALBOX_HOME": home, "SIGNALBOX_PORT": free_port(), "SIGNALBOX_GATEWAY_PORT": free_port()}
        os.environ["SIGNALBOX_OPERATOR"] = "ada"
        console = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT)
        try:
            config = settings.load(os.environ)
            wait_until_ready(f"{config.url}/api/ready")
            workspace = Workspace(connect(config), people.identify(config, {}))
            workspace = workspace.for_app(apps.get(workspace, sample.app().id))
            photograph(config.url, work(workspace))
        finally:
            console.terminate()
            console.wait()
            while held(Path(home) / "run" / "gateway.lock"):
                time.sleep(0.1)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def work(workspace: Workspace) -> dict[str, str]:
    """Two live releases, a blocked third, some traffic, a queue and a rehearsal; returns the address of each picture."""
    first, second, third = (release_train.saved(workspace, one.template, one.note) for one in sample.app().prompts)
    agent = release_train.logged_agent(workspace, first)
    for version in (first, second, third):
        release_train.evaluate(workspace, agent, version)
    release_train.release(workspace, Proposal(agent, first, "the first release"))
    release_train.release(workspace, Proposal(agent, second, "answers are more helpful"))
    with suppress(BlockedError):
        release_train.release(workspace, Proposal(agent, third, "a shorter introduction"))
    rows = datasets.rows(workspace, str(workspace.app.dataset_id))
    for row in [row for row in rows if row.question.strip()][:QUESTIONS]:
        list(endpoints.stream(workspace, [{"role": "user", "content": row.question}]))
    time.sleep(15)  # the worker judges live answers within seconds
    label = Label("right", Kind.PASS, "Is it right?")
    queue = reviews.make(workspace, Form("Tuesday", Rule(Pick.RANDOM, share=1.0, most=5), (label,)))
    runs = {one.prompt_version: one.run_id for one in evaluations.all(workspace)}
    rehearse(workspace)
    return {
        "home": "",
        "evaluation": f"evaluations?run={runs[second]}&against={runs[first]}",
        "release": "releases?release=2",
        "blocked": "releases?release=3",
        "review": f"reviews?queue={queue.id}",
        "monitoring": "monitoring",
        "rehearsal": "rehearsal",
    }


def rehearse(workspace: Workspace) -> None:
    """Start a rehearsal, and wait until the first fault of it is there."""
    rehearsal.start(workspace, "Practice copy")
    while (now := rehearsal.current(workspace)) is None or now.open is None:
        time.sleep(1)


def photograph(url: str, addresses: Mapping[str, str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for ending, locale in LANGUAGES.items():
            page = browser.new_page(viewport={"width": 1280, "height": 860}, locale=locale, timezone_id="Asia/Tokyo")
            for name, path in addresses.items():
                take(page, f"{url}/{path}", PICTURES / f"{name}{ending}.png")
            page.close()
        browser.close()


def take(page: Page, address: str, file: Path) -> None:
    page.goto(address)
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_timeout(3000)
    page.screenshot(path=file, animations="disabled")


def wait_until_ready(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("the console did not become ready")


if __name__ == "__main__":
    main()
