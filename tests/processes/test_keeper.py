"""One worker at any time while the web server lives, none after it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from services.errors import PlatformError
from services.messages import Message
from services.processes.keeper import Keeper
from services.processes.lock import held, read


def wait(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def keep(settings):
    started = []

    def start(prepare=lambda: None, warm=lambda: None):
        keeper = Keeper(settings, prepare, warm)
        started.append(keeper)
        keeper.start()
        return keeper

    yield start
    for keeper in started:
        keeper.stop()
    wait(lambda: not gateways(settings))


def test_a_dead_worker_is_replaced(keep):
    keeper = keep()
    wait(lambda: keeper.ready)
    first = read(keeper.lock)["pid"]
    os.kill(first, signal.SIGKILL)
    wait(lambda: held(keeper.lock) and read(keeper.lock)["pid"] != first)


def test_a_stop_ends_the_worker_and_starts_no_other(keep):
    keeper = keep()
    wait(lambda: keeper.ready)
    keeper.stop()
    assert not held(keeper.lock)
    assert not keeper.is_alive()


def test_a_worker_stopped_the_moment_it_starts_leaves_nothing_running(settings):
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-m", "services.processes.worker"], start_new_session=True)
        wait(lambda: held(settings.run_folder / "worker.lock"))
        process.terminate()
        assert process.wait(20) == 0
        wait(lambda: not gateways(settings))


def gateways(settings):
    """The gateway processes of this data folder, by their environment."""
    ours = f"SIGNALBOX_HOME={settings.home}".encode()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_gateway(pid, ours)]


def is_gateway(pid, ours):
    folder = Path(f"/proc/{pid}")
    with suppress(OSError):
        return b"services.processes.gateway" in (folder / "cmdline").read_bytes() and ours in (
            folder / "environ"
        ).read_bytes().split(b"\0")
    return False


def test_a_worker_of_an_earlier_server_is_kept(keep):
    first = keep()
    wait(lambda: first.ready)
    second = keep()
    wait(lambda: second.ready)
    assert second.worker is None


def test_the_stores_are_tried_again_until_they_answer(keep, monkeypatch, caplog):
    monkeypatch.setattr("services.processes.keeper.LOOK_EVERY", 0.1)
    answers = iter(
        [PlatformError(Message("MLflow does not answer.")), PlatformError(Message("MLflow does not answer."))]
    )

    def prepare():
        if error := next(answers, None):
            raise error

    keeper = keep(prepare)
    assert not keeper.ready
    wait(lambda: keeper.ready)
    assert [one.getMessage() for one in caplog.records if "not ready" in one.getMessage()] == [
        "not ready: MLflow does not answer."
    ]


def test_imports_are_warmed_once_after_the_stores(keep):
    order = []
    keeper = keep(lambda: order.append("stores"), lambda: order.append("imports"))
    wait(lambda: keeper.ready and "imports" in order)
    assert order == ["stores", "imports"]


def test_a_worker_that_cannot_be_started_is_tried_again(keep, monkeypatch):
    monkeypatch.setattr("services.processes.keeper.LOOK_EVERY", 0.1)
    start, refusals = Keeper._start, iter([OSError("Too many open files")])

    def refuse_once(keeper):
        if error := next(refusals, None):
            raise error
        return start(keeper)

    monkeypatch.setattr(Keeper, "_start", refuse_once)
    keeper = keep()
    wait(lambda: keeper.ready)
    assert next(refusals, None) is None
