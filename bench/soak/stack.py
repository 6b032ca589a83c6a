"""The console under test: its processes, a small disk of its own, a clock that can be moved."""

import os
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select

from bench.soak.outside import HOOK, MODEL, SECRET, Outside
from services import apps, database, datasets, home, people, sample, settings
from services.errors import ConsoleError
from services.processes.lock import held, read
from services.workspace import Workspace, connect
from tests.e2e.conftest import Server

ROLES = ("web", "worker", "gateway")
QUESTIONS = 8
DISK = 2_000_000_000
ROOM_LEFT = 65_536


class Stack:
    """`small_disk`: whether the data folder is a file system of its own that may be filled."""

    def __init__(self, folder: Path, outside: Outside, small_disk: bool) -> None:
        self.small_disk, self.outside = small_disk, outside
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        if small_disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "soak", str(self.home)], check=True)
        # What happened while the disk was full could not be read in logs that lie on it.
        self.logs = folder / "logs"
        self.logs.mkdir()
        (self.home / "logs").symlink_to(self.logs)
        self.clock = _clock(folder)
        moved = {"LD_PRELOAD": str(folder / "clock.so"), "SOAK_CLOCK": str(self.clock)} if self.clock else {}
        self.server = Server(
            self.home,
            OPENAI_BASE_URL=outside.url + MODEL,
            OPENAI_API_KEY="soak",
            SIGNALBOX_MODEL="practice",
            SIGNALBOX_WEBHOOK_SECRET=SECRET,
            **moved,
        )
        self.starting = threading.Lock()

    def start(self) -> Workspace:
        """Start it; returns the sample app as an operator sees it, with a short dataset and a webhook."""
        plain = {name: value for name, value in self.server.environ.items() if name not in ("LD_PRELOAD", "SOAK_CLOCK")}
        for name, value in plain.items():
            os.environ[name] = value
        config = settings.load(plain)
        home.prepare(config)
        self.server.start()
        place = Workspace(connect(config), people.identify(config, {}))
        place = place.for_app(apps.get(place, sample.app().id))
        rows = datasets.rows(place, str(place.app.dataset_id))[:QUESTIONS]
        apps.choose_dataset(place, datasets.create(place, "Short", rows).id)
        apps.save_gate(place, apps.Gate({"mentions company": 0.5}, rows=QUESTIONS))
        return place.for_app(apps.get(place, place.app.id))

    @property
    def hook(self) -> str:
        return self.outside.url + HOOK

    def address(self, endpoint: str) -> str:
        return f"http://127.0.0.1:{self.server.environ['SIGNALBOX_GATEWAY_PORT']}/endpoints/{endpoint}/invocations"

    def pids(self) -> dict[str, int]:
        """Every process that is there now, by its role."""
        locks = {role: self.home / "run" / f"{role}.lock" for role in ROLES}
        found = {role: int(read(lock)["pid"]) for role, lock in locks.items() if held(lock)}
        return found | {f"version {version}": pid for version, pid in self.versions().items()}

    def versions(self) -> dict[int, int]:
        """The served versions that are ready, with their processes."""
        engine = database.connect(
            self.server.environ.get("SIGNALBOX_DATABASE_URL", f"sqlite:///{self.home}/signalbox.db")
        )
        query = select(database.served.c.version, database.served.c.pid).where(database.served.c.state == "ready")
        try:
            with engine.connect() as connection:
                return {row.version: row.pid for row in connection.execute(query) if row.pid}
        except ConsoleError:
            return {}
        finally:
            engine.dispose()

    def kill(self, role: str) -> None:
        """As a crash does; nobody but we start the web server again."""
        with self.starting:
            if held(self.home / "run" / f"{role}.lock"):
                self.server.kill(role)
            if role == "web":
                self.server.start()

    def kill_version(self, chosen: Callable[[list[int]], int]) -> bool:
        running = list(self.versions().values())
        if not running:
            return False
        with suppress(ProcessLookupError):
            os.kill(chosen(running), signal.SIGKILL)
        return True

    def fill(self) -> None:
        """Leave no room: what is written from now on fails as on a full disk."""
        self._resize(shutil.disk_usage(self.home).used + ROOM_LEFT)

    def make_room(self) -> None:
        self._resize(DISK)

    def move_clock(self, seconds: int) -> None:
        """What every process of ours but the served versions takes for the time is so many seconds off."""
        assert self.clock is not None
        with self.clock.open("r+b") as file:
            file.write(struct.pack("l", seconds))

    def ready(self) -> bool:
        return all(held(self.home / "run" / f"{role}.lock") for role in ROLES)

    def wait_ready(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not self.ready() and time.monotonic() < end:
            time.sleep(0.2)
        return self.ready()

    def stop(self) -> list[int]:
        """A clean stop; returns the processes that are left ten seconds later."""
        known = list(self.pids().values())
        self.server.stop()
        end = time.monotonic() + 10
        while (left := [pid for pid in known if _alive(pid)]) and time.monotonic() < end:
            time.sleep(0.2)
        return left

    def _resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.home)], check=True)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _clock(folder: Path) -> Path | None:
    """The file that holds by how much the clock is off; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source = Path(__file__).with_name("clock.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(folder / "clock.so"), str(source), "-ldl"], check=True
    )
    clock = folder / "clock"
    clock.write_bytes(struct.pack("l", 0))
    return clock
