"""Start-up to the first screen, memory of each process, processor time while nobody does anything.

    python -m bench.machine [seconds of idleness]

Beside them stand an empty Streamlit page, and MLflow's own server with one worker. Memory is what is a process's own and
its part of what it shares (PSS). The console has a fresh data folder, in which the first start makes the sample app; the
second start is the usual one.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.results import Measured, keep
from bench.servers import clean, console, empty_page, running, wait_for
from tests.conftest import free_port
from tests.e2e.conftest import Server
from tests.sign_in.browser import Browser

TICKS = os.sysconf("SC_CLK_TCK")
MOST_MEGABYTES, MOST_PERCENT = 600.0, 2.0


def main(idle: float) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-machine-") as kept:
        folder = Path(kept)
        begun = time.monotonic()
        with empty_page(folder) as (url, process):
            floor = first_screen(url, begun)
            empty = {"empty": process.pid}
            resting = spent(empty, idle)["empty"]
            memory = megabytes(empty)["empty"]
        show_mlflow(folder)
        for name in ("first start", "second start"):
            begun = time.monotonic()
            with console(folder / "home") as server:
                told(
                    f"{name} to the first screen, worker and gateway up",
                    first_screen(server.url, begun),
                    floor,
                    "an empty Streamlit page",
                    "s",
                )
                if name == "second start":
                    show_resting(server, idle, memory, resting)


def first_screen(url: str, begun: float) -> float:
    wait_for(f"{url}/_stcore/health")
    browser = Browser(url)
    assert browser.open().text
    browser.close()
    return time.monotonic() - begun


def show_resting(server: Server, idle: float, memory: float, resting: float) -> None:
    """After a while, when everything is imported: some jobs come once a minute."""
    time.sleep(min(2 * idle, 70.0))
    processes = {role: server.pid(role) for role in ("web", "worker", "gateway")}
    found = megabytes(processes)
    told("memory of web", found["web"], memory, "an empty Streamlit page", "MB")
    told("memory of worker and gateway", found["worker"] + found["gateway"], memory, "an empty Streamlit page", "MB")
    told("memory of web and worker", found["web"] + found["worker"], MOST_MEGABYTES, "the goal", "MB", 1.0)
    percent = spent(processes, idle)
    alone = percent["web"] + percent["worker"]
    told("idle, web and worker", alone, MOST_PERCENT, "the goal", "% of a core", 1.0)
    told("idle, gateway too", alone + percent["gateway"], max(resting, 0.01), "an empty Streamlit page", "% of a core")


def show_mlflow(folder: Path) -> None:
    port = free_port()
    store = f"sqlite:///{folder}/mlflow.db"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--port",
        str(port),
        "--workers",
        "1",
        "--backend-store-uri",
        store,
    ]
    with running(command, folder, clean() | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}) as process:
        wait_for(f"http://127.0.0.1:{port}/health")
        print(f"mlflow server, one worker, without jobs: {megabytes({'mlflow': process.pid})['mlflow']:.0f} MB")


def megabytes(processes: dict[str, int]) -> dict[str, float]:
    """With the children of each, which belong to it."""
    return {role: sum(_pss(one) for one in _tree(pid)) / 1000 for role, pid in processes.items()}


def spent(processes: dict[str, int], seconds: float) -> dict[str, float]:
    """Percent of one core that each and its children compute meanwhile."""
    before = {role: sum(map(_ticks, _tree(pid))) for role, pid in processes.items()}
    time.sleep(seconds)
    after = {role: sum(map(_ticks, _tree(pid))) for role, pid in processes.items()}
    return {role: (after[role] - ticks) / TICKS / seconds * 100 for role, ticks in before.items()}


def told(what: str, ours: float, beside: float, peer: str, unit: str, goal: float | None = None) -> None:
    print(f"{what:36} {ours:8.1f} {unit:12} {ours / beside:6.2f} x {peer}")
    keep(Measured(what, "", ours, beside, peer, unit, goal))


def _tree(pid: int) -> list[int]:
    """The process and its descendants, but not those that lead a session of their own: the worker, the gateway."""
    told = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,sid="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in told.splitlines()]
    found = [pid]
    for one in found:
        found += [child for child, parent, session in rows if parent == one and session != child]
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _ticks(pid: int) -> int:
    """Of its own and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
