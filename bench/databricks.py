"""How many requests each screen sends to a Databricks workspace, counted by the emulated one of the tests.

    python -m bench.databricks

A screen is opened twice in one tab by the real web server, while no worker runs; the second time counts what a person costs
who comes back. No time is measured: the emulator's are not a workspace's.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.results import Measured, keep
from bench.servers import ROOT, clean, running, wait_for
from services.processes.lock import Lock
from tests.conftest import free_port
from tests.sign_in.browser import Browser
from tests.workspace.fixture import CATALOG, SCHEMA, TOKEN, Emulator


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-databricks-") as kept, emulator(Path(kept)) as there:
        port = free_port()
        environ = clean() | {
            "SIGNALBOX_HOME": f"{kept}/home",
            "SIGNALBOX_PORT": str(port),
            "SIGNALBOX_OPERATOR": "ada",
            "SIGNALBOX_PLATFORM": "databricks",
            "SIGNALBOX_CATALOG": CATALOG,
            "SIGNALBOX_SCHEMA": SCHEMA,
            "DATABRICKS_HOST": there.url,
            "DATABRICKS_TOKEN": TOKEN,
            "DATABRICKS_CONFIG_FILE": os.devnull,
            "CI": "true",
        }
        make_app(environ)
        # Who holds the worker's lock is the worker: none asks the workspace meanwhile.
        worker = Lock(Path(kept) / "home" / "run" / "worker.lock")
        assert worker.acquire()
        with running([sys.executable, "app.py"], ROOT, environ):
            wait_for(f"http://127.0.0.1:{port}/api/ready")
            measure(f"http://127.0.0.1:{port}", there)
            worker.release()


def measure(url: str, there: Emulator) -> None:
    browser = Browser(url)
    browser.open()
    for page in sorted(browser.pages):
        counts = []
        for _ in range(2):
            before = len(there.requests())
            browser.run(page)
            counts.append(len(there.requests()) - before)
        print(f"{page or 'home':16} first {counts[0]:3}, again {counts[1]:3} requests")
        for when, count in zip(("first", "again"), counts, strict=True):
            keep(Measured(f"{page or 'home'}, {when}", "", count, 1, "one request", "requests"))
    browser.close()


def make_app(environ: dict[str, str]) -> None:
    from services import apps, database, people, settings
    from services.workspace import Workspace, connect

    os.environ |= environ
    found = settings.load(environ)
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    form = apps.AppForm(id="support", name="Support", company="Acme", model=found.model, endpoint="support")
    apps.create(place, form)


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    file = folder / "port"
    command = [sys.executable, "-m", "tests.workspace", "--port", "0", "--port-file", str(file)]
    with running([*command, "--catalog", f"{CATALOG}.{SCHEMA}"], ROOT, clean()):
        while not (file.exists() and file.read_text()):
            time.sleep(0.05)
        there = Emulator(f"http://127.0.0.1:{file.read_text()}")
        there.admin("POST", "/reset")
        yield there


if __name__ == "__main__":
    main()
